import { assert, describe, it } from "vitest"
import { Lineage } from "../../../src/connection/pool/Lineage.ts"

const server = (systemIdentifier: string, timeline: string) => ({
  systemIdentifier,
  timeline,
  statisticsSince: "0",
  pid: 1
})

describe("Lineage", () => {
  it("takes the first server that it sees for the one that is written to", () => {
    const lineage = new Lineage()
    assert.strictEqual(lineage.judge(server("7", "00000009")), "same")
    assert.strictEqual(lineage.judge(server("7", "00000009")), "same")
  })

  it("tells a promotion from a primary that comes back on the timeline that was left", () => {
    const lineage = new Lineage()
    lineage.judge(server("7", "00000009"))
    assert.strictEqual(lineage.judge(server("7", "0000000A")), "another")
    lineage.follow(server("7", "0000000A"))
    assert.strictEqual(lineage.judge(server("7", "00000009")), "replaced")
    assert.strictEqual(lineage.judge(server("7", "0000000A")), "same")
  })

  it("takes another system for another server, whatever its timeline", () => {
    const lineage = new Lineage()
    lineage.judge(server("7", "00000009"))
    assert.strictEqual(lineage.judge(server("8", "00000001")), "another")
  })
})
