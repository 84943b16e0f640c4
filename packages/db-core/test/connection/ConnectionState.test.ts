/** The table against its specification in words, and its promises. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { events, isReady, next, states, transitions } from "../../src/connection/ConnectionState.ts"

const page = readFileSync(new URL("../../src/connection/ConnectionState.SPEC.md", import.meta.url), "utf8")
const cells = (row: string) => row.split("|").slice(1, -1).map((cell) => cell.trim())

describe("ConnectionState", () => {
  it("is what its specification says, state by state and event by event", () => {
    const table = page.slice(page.indexOf("## Transitions")).split("\n").filter((line) => line.startsWith("|"))
    const [head = "", , ...rows] = table
    assert.deepStrictEqual(cells(head).slice(1), [...events])
    assert.deepStrictEqual(
      rows.map(cells),
      states.map((state) => [state, ...events.map((event) => transitions[state][event])])
    )
  })

  it("names the ready states as its specification does", () => {
    for (const state of states) {
      assert.match(page, new RegExp(`\\| \`${state}\` \\|.*\\| ${isReady[state] ? "yes" : "no"} \\|`))
    }
  })

  it("never leaves draining; from everywhere else one answer leads to healthy, one unanswered probe to down", () => {
    for (const event of events) assert.strictEqual(next("draining", event), "draining")
    for (const state of states) {
      if (state === "draining") continue
      assert.strictEqual(next(state, "answered"), "healthy")
      assert.strictEqual(next(state, "unreachable"), "down")
      assert.strictEqual(next(state, "drain"), "draining")
    }
  })

  it("takes no database that answers out of service for a single caller's failure, and hides no failure by silence", () => {
    for (const state of ["healthy", "degraded", "idle", "waking"] as const) {
      for (const event of ["congested", "failed", "quiet", "waking"] as const) {
        assert.isTrue(isReady[next(state, event)], `${state} ${event}`)
      }
    }
    assert.strictEqual(next("down", "quiet"), "down")
  })
})
