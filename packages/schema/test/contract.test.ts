import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Seed } from "../src/contract/Seed.ts"
import { contracts, type Path } from "./examples.ts"

/** A copy of `value` with one member replaced, or taken away when `replacement` is undefined. */
const replace = (value: unknown, [head, ...rest]: Path, replacement: unknown): unknown => {
  if (head === undefined) return replacement
  if (Array.isArray(value)) {
    return value.map((item: unknown, position) => position === head ? replace(item, rest, replacement) : item)
  }
  const { [head]: member, ...others } = Object(value) as Record<string | number, unknown>
  const next = replace(member, rest, replacement)
  return next === undefined ? others : { ...others, [head]: next }
}

/** The path of every member of `value` that is not in `optional`. */
const members = (value: unknown, optional: ReadonlyArray<string>, path: Path = []): ReadonlyArray<Path> =>
  typeof value !== "object" || value === null || Array.isArray(value) ? [] : Object.entries(value).flatMap(
    ([name, member]) => optional.includes(name) ? [] : [[...path, name], ...members(member, optional, [...path, name])]
  )

describe.each(Object.entries(contracts))("%s", (_, { alsoGood, bad, good, optional, schema }) => {
  // The contracts' types differ; what is tested is the same for all, so they are seen here as schemas of anything.
  const codec = schema as Schema.Codec<unknown>
  const accepts = Schema.is(codec)

  it("survives JSON both ways unchanged", () => {
    const values = [good, ...alsoGood.map(([path, value]) => replace(good, path, value))]
    for (const value of values) {
      const decoded = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(value)))
      expect(decoded).toStrictEqual(value)
      expect(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(decoded)))).toStrictEqual(value)
    }
  })

  it("refuses each bad value", () => {
    for (const [path, value] of bad) {
      expect(accepts(replace(good, path, value)), `${path.join(".")} = ${String(value)}`).toBe(false)
    }
  })

  it("refuses what is not an object, and one without a required member", () => {
    for (const value of [null, undefined, "text", 1, []]) expect(accepts(value)).toBe(false)
    for (const path of members(good, optional)) {
      expect(accepts(replace(good, path, undefined)), path.join(".")).toBe(false)
    }
  })
})

describe("Seed", () => {
  it("says why when it wrote nothing", () => {
    const nothing = { seeded: false, scale: 1, rows: {}, durationMs: 1 }
    expect(Schema.is(Seed)(nothing)).toBe(false)
    expect(Schema.is(Seed)({ ...nothing, reason: "The tables already hold rows." })).toBe(true)
  })
})
