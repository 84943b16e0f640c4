import { describe, expect, it } from "vitest"
import { keyOf } from "../../../src/optimizer/cache/Key.ts"

describe("keyOf", () => {
  it("tells values apart that print alike, and lists that run together", () => {
    const lists: ReadonlyArray<ReadonlyArray<unknown>> = [
      [1],
      ["1"],
      [1n],
      [true],
      ["t"],
      [null],
      [undefined],
      [Number.NaN],
      [0],
      [-0],
      ["null"],
      ["a", "b"],
      ["ab"],
      ["a", "", "b"],
      ["a1:b"],
      [["a", "b"]],
      [["a"], "b"],
      [["a", ["b"]]],
      [[]],
      [new Date(0)],
      [new Date(0).toISOString()],
      [new Date(Number.NaN)],
      [new Uint8Array([1, 2])],
      [[1, 2]],
      [{ a: 1 }],
      [{ a: "1" }],
      [{ a: undefined }],
      [{}],
      [{ a: { b: 1 } }],
      [{ a: {}, b: 1 }],
      ["\u0000"],
      ["s1:x", "y"],
      ["s1:x", "y", "z"]
    ]
    const keys = lists.map((params) => keyOf("p", params))
    expect(keys).not.toContain(undefined)
    expect(new Set(keys).size).toBe(lists.length)
  })

  it("is the same for equal parameters", () => {
    const params = () => [1, "x", 2n, new Date(5), [true, null], new Uint8Array([7]), { a: [1] }]
    expect(keyOf("p", params())).toBe(keyOf("p", params()))
    expect(keyOf("q", params())).not.toBe(keyOf("p", params()))
  })

  it("gives none for what has no exact text", () => {
    expect(keyOf("p", [() => 1])).toBe(undefined)
    expect(keyOf("p", [Symbol("s")])).toBe(undefined)
    expect(keyOf("p", [new Map([[1, 2]])])).toBe(undefined)
    expect(keyOf("p", [[/a/]])).toBe(undefined)
  })
})
