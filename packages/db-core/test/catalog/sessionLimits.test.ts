import { describe, expect } from "vitest"
import { sessionLimits } from "../../src/catalog/sessionLimits.ts"
import { situation } from "./support.ts"

describe("limits of the session", () => {
  situation("in force, with where they come from", async ({ rows, server }) => {
    const all = await rows(sessionLimits)
    const names = all.map(({ name }) => name)
    expect(names).toContain("idle_in_transaction_session_timeout")
    expect(names.includes("transaction_timeout")).toBe(server !== "15")
    if (server === "embedded") return
    // The pool's sessions bring theirs along.
    expect(all.find(({ name }) => name === "statement_timeout")).toEqual({
      name: "statement_timeout",
      value: "15000",
      unit: "ms",
      source: "client",
      ofRole: null
    })
  })
})
