import { describe, expect } from "vitest"
import { serverClock } from "../../src/catalog/serverClock.ts"
import { serverIdentity } from "../../src/catalog/serverIdentity.ts"
import { situation } from "./support.ts"

describe("the server's identity", () => {
  situation("is the same for two sessions, and its clock is ours", async ({ rows }) => {
    const [first] = await rows(serverIdentity)
    const [second] = await rows(serverIdentity)
    expect(first).toMatchObject({ isStandby: false, systemIdentifier: expect.stringMatching(/^\d{15,20}$/) })
    expect(first?.pid).toBeGreaterThan(0)
    expect({ ...second, pid: first?.pid }).toEqual(first)
    const [clock] = await rows(serverClock)
    expect(Math.abs((clock?.nowMs ?? 0) - Date.now())).toBeLessThan(2000)
  })
})
