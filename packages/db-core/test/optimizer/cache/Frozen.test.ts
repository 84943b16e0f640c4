import { describe, expect, it } from "vitest"
import { freeze } from "../../../src/optimizer/cache/Frozen.ts"

describe("freeze", () => {
  it("lets nobody change a row, what is in it, or the list", () => {
    const rows = [{ id: 1, facts: { tags: ["a"] }, at: new Date(0) }]
    freeze(rows)
    expect(() => rows.push(rows[0]!)).toThrow(TypeError)
    expect(() => (rows[0]!.id = 2)).toThrow(TypeError)
    expect(() => rows[0]!.facts.tags.push("b")).toThrow(TypeError)
    expect(() => rows[0]!.at.setTime(1)).toThrow("make a new one")
    expect(() => rows[0]!.at.setUTCFullYear(2000)).toThrow("make a new one")
    expect(rows[0]!.at.toISOString()).toBe("1970-01-01T00:00:00.000Z")
  })

  it("leaves a Date a Date", () => {
    const at = new Date(0)
    freeze([[at]])
    expect(at).toBeInstanceOf(Date)
    expect(at).toEqual(new Date(0))
    expect(new Date(at).setTime(1)).toBe(1)
    expect(structuredClone(at)).toEqual(new Date(0))
    expect(JSON.stringify({ at })).toBe("{\"at\":\"1970-01-01T00:00:00.000Z\"}")
  })

  it("says what cannot be frozen, and where objects are", () => {
    expect(freeze([[1, "a", null, new Date(0)]])).toMatchObject({ hasBinary: false, hasObjects: false })
    expect(freeze([[new Uint8Array(3)]])).toMatchObject({ hasBinary: true, hasObjects: false })
    expect(freeze([{ facts: { a: 1 } }])).toMatchObject({ hasObjects: true })
    expect(freeze([[["a"]]])).toMatchObject({ hasObjects: true })
  })

  it("counts what grows", () => {
    const small = freeze([["x"]]).bytes
    expect(freeze([["x".repeat(1000)]]).bytes).toBeGreaterThanOrEqual(small + 999 * 2)
    expect(freeze([[new Uint8Array(1000)]]).bytes).toBeGreaterThanOrEqual(1000)
    expect(freeze(Array.from({ length: 100 }, () => [1])).bytes).toBeGreaterThan(small * 10)
  })
})
