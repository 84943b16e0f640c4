import { expect, it } from "vitest"
import { entryOf } from "../../../src/optimizer/cache/Answer.ts"
import { Entries } from "../../../src/optimizer/cache/Entry.ts"
import { Front } from "../../../src/optimizer/cache/Front.ts"

const entry = () =>
  entryOf({ found: [], usage: {}, token: 0, tags: [], filledAt: 0, tookMs: 1 }, {
    sql: "",
    params: [],
    mode: "arrays",
    mapper: undefined,
    prepared: undefined
  })
const bounds = { maxEntries: 2, maxBytes: 100_000, maxEntryBytes: 10_000 }

it("finds an answer by the value of its only parameter, and by its type", () => {
  const front = new Front()
  const of = entry()
  front.put([1n], of)
  expect(front.get([1n])).toBe(of)
  for (const params of [[1], ["1"], [2n], [1n, 1n], []]) expect(front.get(params)).toBeUndefined()
})

it("keeps nothing for values that are not told apart as texts tell them apart", () => {
  const front = new Front()
  for (const value of [0, -0, null, undefined, true, new Date(0), [1]]) {
    front.put([value], entry())
    expect(front.get([value])).toBeUndefined()
  }
})

it("lets go of what the cache let go of", () => {
  const entries = new Entries(bounds)
  const front = new Front()
  const put = (id: bigint) => {
    const made = entry()
    entries.set(`k${id}`, made)
    front.put([id], made)
    return made
  }
  put(1n)
  put(2n)
  put(3n)
  expect(front.get([1n])).toBeUndefined()
  const replaced = put(3n)
  expect(front.get([3n])).toBe(replaced)
  entries.clear()
  expect(front.get([3n])).toBeUndefined()
  put(2n)
  put(3n)
  entries.resize({ ...bounds, maxBytes: 1 })
  for (const id of [2n, 3n]) expect(front.get([id])).toBeUndefined()
})

it("is left for another one that finds the answer, too", () => {
  const [one, other] = [new Front(), new Front()]
  const of = entry()
  one.put([1n], of)
  other.put(["a"], of)
  expect(one.get([1n])).toBeUndefined()
  expect(other.get(["a"])).toBe(of)
})

it("an answer that is used through it is not thrown out before one that is not", () => {
  const entries = new Entries(bounds)
  const [used, unused] = [entry(), entry()]
  entries.set("used", used)
  entries.set("unused", unused)
  entries.touch(used)
  entries.set("new", entry())
  expect(entries.get("used")).toBe(used)
  expect(entries.get("unused")).toBeUndefined()
})
