import { describe, expect, it } from "vitest"
import { open, rowsOf, seal } from "../../../../src/optimizer/cache/level2/Envelope.ts"

const facts = { key: "k", world: "w", snapshot: "1:1:", tookMs: 1, maxAge: 1000 }
const through = (rows: ReadonlyArray<unknown>, maxBytes = 1_000_000): unknown => {
  const envelope = open(seal(facts, rows, maxBytes)!, "k")
  return envelope && rowsOf(envelope)
}

describe("an answer as bytes", () => {
  it("keeps every value what it is", () => {
    const values = [
      1n,
      -(2n ** 63n),
      new Date(5),
      new Uint8Array([0, 255]),
      Number.NaN,
      -0,
      Infinity,
      undefined,
      null,
      "\ud800",
      "ü",
      true,
      { a: [{ b: undefined }] },
      []
    ]
    const back = through(values) as typeof values
    expect(back).toEqual(values)
    expect(Object.is(back[5], -0)).toBe(true)
    expect(back[2]).toBeInstanceOf(Date)
    expect(Object.keys((back[12] as { a: Array<object> }).a[0]!)).toEqual(["b"])
  })

  it("is smaller when it is large, and refused when it is too large or cannot be sent", () => {
    const rows = Array.from({ length: 200 }, (_, n) => ({ n, note: `note ${n}` }))
    expect(through(rows)).toEqual(rows)
    expect(seal(facts, rows, 1_000_000)!.length).toBeLessThan(4000)
    expect(seal(facts, rows, 1000)).toBe(undefined)
    expect(seal(facts, [{ f: () => 1 }], 1_000_000)).toBe(undefined)
  })

  it("is nothing when any byte of it was changed, or for another key", () => {
    const sealed = seal(facts, [{ n: 1 }], 1000)!
    expect(open(sealed, "another")).toBe(undefined)
    expect(open(sealed, "k")).not.toBe(undefined)
    for (let at = 0; at < sealed.length; at++) {
      const damaged = Buffer.from(sealed)
      damaged[at]! ^= 0x10
      expect(open(damaged, "k")).toBe(undefined)
      expect(open(sealed.subarray(0, at), "k")).toBe(undefined)
    }
  })
})
