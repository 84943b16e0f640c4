import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { type Invariant, judge, totalOf } from "../cache/history/Judge.ts"
import { type Group, keyCount, keyOf, poison, queries, type QueryName, queryNames } from "../cache/history/Layout.ts"
import { type Event, LogWriter, readLog } from "../cache/history/Log.ts"

const boundMs = 500

const write = (process: number, group: Group, version: number, sent: number, acked: number): Event => ({
  is: "write",
  process,
  key: keyOf(group, 0),
  version,
  sent,
  acked
})

const read = (
  process: number,
  query: QueryName,
  values: readonly [number] | readonly [number, number],
  invoked: number,
  options: { readonly completed?: number; readonly isStrong?: boolean; readonly after?: number } = {}
): Event => ({
  is: "read",
  process,
  query: queryNames.indexOf(query),
  row: 0,
  invoked,
  completed: options.completed ?? invoked + 1,
  isStrong: options.isStrong ?? false,
  after: options.after ?? -1,
  first: values[0],
  second: values[1] ?? Number.NaN
})

/** Process 0 writes version 1, process 1 version 2, the outsider c; everybody reads what they may. */
const clean: ReadonlyArray<Event> = [
  write(0, "pair", 1, 100, 110),
  write(1, "pair", 2, 200, 210),
  write(9, "outer", 1, 300, 310),
  read(0, "pk", [0], 90),
  // While it is committed it may be seen, or not.
  read(0, "pk", [0], 102),
  read(1, "pk", [1], 105),
  read(0, "join", [1, 1], 120),
  // Somebody else's: within the bound it may be missing.
  read(0, "view", [1, 1], 700),
  read(1, "join", [2, 2], 211),
  read(0, "scalar", [2, 0], 800),
  read(2, "scalar", [2, 1], 811),
  read(2, "pk", [2], 211, { isStrong: true }),
  read(2, "pk", [2], 220, { after: 2 }),
  read(2, "pk", [1], 220, { after: 1 })
]

const final = Array.from({ length: keyCount }, () => 0)
final[keyOf("pair", 0)] = 2
final[keyOf("outer", 0)] = 1

const flaws = (...planted: ReadonlyArray<Event>): Partial<Record<Invariant, number>> => {
  const { violations } = judge([...clean, ...planted], { boundMs, final })
  return Object.fromEntries(Object.entries(violations).filter(([, count]) => count > 0))
}

describe("judge", () => {
  it("finds nothing in a clean history, and says how old values were", () => {
    const verdict = judge(clean, { boundMs, final })
    expect(totalOf(verdict)).toBe(0)
    // c's version 1 was acknowledged at 310 and is missing at 800; the pair's version 2 at 210 and at 700.
    expect(verdict).toMatchObject({
      reads: 11,
      writes: 3,
      strongReads: 1,
      afterReads: 2,
      staleReads: 3,
      worstStalenessMs: 490,
      worstStrongStalenessMs: 0
    })
  })

  it("I1: finds what was rolled back, never written, or not yet committed", () => {
    expect(flaws(read(2, "pk", [poison], 150))).toEqual({ I1: 1 })
    expect(flaws(read(2, "pk", [3], 900))).toEqual({ I1: 1 })
    expect(flaws(read(2, "pk", [2], 150))).toEqual({ I1: 1 })
    expect(flaws(read(2, "pk", [Number.NaN], 150))).toEqual({ I1: 1 })
    // Of the two values it is the second.
    expect(flaws(read(2, "scalar", [1, 1], 250))).toEqual({ I1: 1 })
  })

  it("I1: believes that a COMMIT without an answer may have been carried out", () => {
    const unknown = write(0, "quiet", 1, 400, Number.POSITIVE_INFINITY)
    const withIt = [...final]
    withIt[keyOf("quiet", 0)] = 1
    const verdict = judge([...clean, unknown, read(0, "quiet", [1], 410), read(1, "quiet", [0], 2000)], {
      boundMs,
      final: withIt
    })
    expect(verdict.violations).toEqual({ I1: 0, I2: 0, I3: 0, I4: 0, I5: 0 })
  })

  it("I2: finds a value older than what the reader's own process was told", () => {
    expect(flaws(read(0, "pk", [0], 111))).toEqual({ I2: 1 })
    // Acknowledged by others it is only stale.
    expect(flaws(read(2, "pk", [0], 111))).toEqual({})
  })

  it("I3: finds a value older than the bound", () => {
    expect(flaws(read(2, "pk", [1], 709))).toEqual({})
    expect(flaws(read(2, "pk", [1], 711))).toEqual({ I3: 1 })
    expect(flaws(read(2, "scalar", [2, 0], 811))).toEqual({ I3: 1 })
  })

  it("I3: knows a version from the first acknowledgement of it or a later one", () => {
    // The second write was acknowledged before the first: who read neither has missed both.
    const late = write(1, "quiet", 1, 400, 460)
    const early = write(9, "quiet", 2, 410, 420)
    const withThem = [...final]
    withThem[keyOf("quiet", 0)] = 2
    const strong = read(2, "quiet", [0], 430, { isStrong: true })
    const { violations } = judge([...clean, late, early, strong], { boundMs, final: withThem })
    expect(violations).toMatchObject({ I1: 0, I3: 1 })
  })

  it("I3: allows a strong read nothing, and holds it to what was acknowledged before it", () => {
    expect(flaws(read(2, "pk", [1], 211, { isStrong: true }))).toEqual({ I3: 1 })
    expect(flaws(read(2, "pk", [1], 209, { isStrong: true }))).toEqual({})
  })

  it("I3: finds a read that does not contain the transaction that it asked for", () => {
    expect(flaws(read(2, "pk", [1], 212, { after: 2 }))).toEqual({ I3: 1 })
  })

  it("I4: finds half of a transaction, in the pair and not between groups", () => {
    expect(flaws(read(2, "join", [2, 1], 220))).toEqual({ I4: 1 })
    expect(flaws(read(2, "scalar", [2, 1], 320))).toEqual({})
  })

  it("I5: finds that an own version was seen, and then was not", () => {
    const seen = read(0, "pk", [1], 103, { completed: 104 })
    expect(flaws(seen, read(0, "view", [0, 0], 105))).toEqual({ I5: 1 })
    expect(flaws(seen, read(0, "view", [0, 0], 103.5))).toEqual({})
    // Nor of what nobody was told, which may be committed at any time.
    const unknown = write(0, "pair", 3, 400, Number.POSITIVE_INFINITY)
    const withIt = [...final]
    withIt[keyOf("pair", 0)] = 3
    const unsure = [...clean, unknown, read(0, "pk", [3], 410), read(0, "view", [2, 2], 420)]
    expect(totalOf(judge(unsure, { boundMs, final: withIt }))).toBe(0)
    // Of another process's versions nothing is promised.
    expect(flaws(read(2, "pk", [1], 103, { completed: 104 }), read(2, "pk", [0], 106))).toEqual({})
  })

  it("keeps examples that say where to look", () => {
    const { examples } = judge([...clean, read(2, "pk", [1], 760)], { boundMs, final })
    expect(examples).toMatchObject([{ invariant: "I3", version: 1, byMs: 50, read: { process: 2 } }])
  })
})

describe("the log", () => {
  it("gives back what was written, and leaves out a record that is cut short", () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "ems-history-")), "log.bin")
    const log = new LogWriter(file, 3)
    const events = Array.from({ length: 600 }, (_, index): Event =>
      index % 3 === 0
        ? write(3, "family", index, index, index === 300 ? Number.POSITIVE_INFINITY : index + 0.25)
        : read(3, "kin", [index, index], index + 0.125, { isStrong: index % 2 === 0, after: index % 5 }))
    for (const event of events) {
      if (event.is === "read") log.read(event)
      else log.write(event)
    }
    log.flush()
    fs.appendFileSync(file, Buffer.alloc(9))
    expect(readLog(file)).toEqual(events)
    fs.rmSync(path.dirname(file), { recursive: true })
  })
})

it("knows a group for each value of each query", () => {
  expect(queryNames.length).toBeGreaterThanOrEqual(8)
  for (const name of queryNames) expect(queries[name].values.length).toBeGreaterThan(0)
})
