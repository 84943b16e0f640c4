import { describe, expect, it } from "vitest"
import { check } from "../Checker.ts"
import type { Outcome } from "../contenders/Contender.ts"
import { type Operation, type OperationKind, parseHistory } from "../History.ts"

const operation = (id: string, completion: Outcome | undefined, kind: OperationKind = "insert"): Operation => ({
  invocation: { id, kind, worker: 0, at: 0 },
  completion: completion && { ...completion, id, at: 1 }
})
const none = { lost: [], doubled: [], lied: [], wrong: [], foreign: [] }

/** Every kind of outcome, each consistent with the table. */
const clean = [
  operation("acknowledged", { is: "ok" }),
  operation("failed", { is: "failed" }),
  operation("landed", { is: "unknown" }),
  operation("vanished", { is: "unknown" }),
  operation("never answered", undefined),
  operation("read", { is: "ok" }, "read"),
  operation("resolved", { is: "ok", resolution: "committed" }, "transaction"),
  operation("undone", { is: "failed", resolution: "aborted" }, "transaction")
]
const rows = ["acknowledged", "landed", "resolved"]

describe("check", () => {
  it("finds nothing in a clean history", () => {
    expect(check(clean, rows)).toEqual({ ...none, operations: 8, acknowledged: 3, failed: 2, unknown: 3 })
  })

  it("finds a planted loss", () => {
    expect(check(clean, rows.slice(1))).toMatchObject({ ...none, lost: ["acknowledged"] })
  })

  it("finds a planted double, whatever its outcome", () => {
    for (const id of ["acknowledged", "landed", "resolved"]) {
      expect(check(clean, [...rows, id])).toMatchObject({ ...none, doubled: [id] })
    }
    expect(check(clean, [...rows, "failed", "failed"])).toMatchObject({ doubled: ["failed"], lied: ["failed"] })
  })

  it("finds a planted lie", () => {
    expect(check(clean, [...rows, "failed"])).toMatchObject({ ...none, lied: ["failed"] })
  })

  it("finds a wrong resolution in both directions", () => {
    expect(check(clean, rows.slice(0, 2))).toMatchObject({ lost: ["resolved"], wrong: ["resolved"] })
    expect(check(clean, [...rows, "undone"])).toMatchObject({ lied: ["undone"], wrong: ["undone"] })
  })

  it("finds a row that nobody wrote", () => {
    expect(check(clean, [...rows, "stranger"])).toMatchObject({ ...none, foreign: ["stranger"] })
  })
})

describe("parseHistory", () => {
  it("takes an invocation without an outcome for unknown, and the first outcome of two", () => {
    const invocation = { id: "a", kind: "insert", worker: 1, at: 0 }
    const lines = [
      { invoke: invocation },
      { complete: { id: "a", at: 1, is: "unknown" } },
      { complete: { id: "a", at: 2, is: "ok" } },
      { invoke: { ...invocation, id: "b" } }
    ]
    const history = parseHistory(lines.map((line) => JSON.stringify(line)).join("\n"))
    expect(history.map(({ completion }) => completion?.is)).toEqual(["unknown", undefined])
    expect(check(history, [])).toMatchObject({ operations: 2, unknown: 2 })
  })
})
