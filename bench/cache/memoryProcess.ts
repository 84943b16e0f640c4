/**
 * Different answers through a small cache, in a process that does nothing else: what its heap grows by is the cache's.
 * Prints what it saw as JSON.
 */
import * as Effect from "effect/Effect"
import { openEms } from "./ems.ts"
import type { MemorySeen } from "./memory.ts"

const [url, ...numbers] = process.argv.slice(2)
const [puts = 0, cacheMaxEntries = 0, cacheMaxBytes = 0, patience = 0] = numbers.map(Number)
const callers = 64

/** Answers between two looks at what the cache says it holds. */
const look = 1000

/** Answers past the cache at first: code is compiled and connections are open then. */
const before = 5000

/** Twice: the first one only finalizes some of what the second one frees. */
const heapUsed = (): number => {
  Bun.gc(true)
  Bun.gc(true)
  return process.memoryUsage().heapUsed
}

const ems = await openEms(url!, { cacheMaxEntries, cacheMaxBytes })

let key = 0
/** So many answers for keys that nobody asked for yet. */
const fill = (count: number, usersOf: (key: number) => number, read: typeof ems.several.bounded): Promise<void> => {
  const end = key + count
  const caller = Effect.whileLoop({
    while: () => key < end,
    body: () => read({ key, users: usersOf(key++) }),
    step: () => {}
  })
  return ems.run(Effect.all(Array.from({ length: callers }, () => caller), { concurrency: "unbounded", discard: true }))
}

await fill(before, () => 4, ems.several.uncached)
const baseline = heapUsed()
let entries = 0
let bytes = 0
const heap: Array<number> = []
// One user each, of which the number is the bound; then none to seven, of which the bytes are.
for (const usersOf of [() => 1, (at: number) => at % 8]) {
  const until = performance.now() + patience * 500
  for (let left = puts / 2; left > 0 && performance.now() < until; left -= look) {
    await fill(look, usersOf, ems.several.bounded)
    const seen = await ems.snapshot()
    entries = Math.max(entries, seen.entries)
    bytes = Math.max(bytes, seen.bytes)
  }
  heap.push(heapUsed())
}
const { misses } = await ems.snapshot()
await ems.close()
console.log(JSON.stringify({ puts: misses, entries, bytes, baseline, heap } satisfies MemorySeen))
process.exit(0)
