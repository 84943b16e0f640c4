import { noRates, Top } from "@ems/schema/contract/Top"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, test } from "vitest"
import type { Screen } from "../src/Screen.ts"
import { widthOf } from "../src/Table.ts"
import { frame, type Manner } from "../src/top/Frame.ts"
import * as Pace from "../src/top/Pace.ts"
import { ratesOf } from "../src/top/Rates.ts"
import { next, silence, type View } from "../src/top/View.ts"

const counters = {
  atMs: 1_000_000,
  since: null as string | null,
  commits: 100,
  rollbacks: 10,
  rowsRead: 1000,
  rowsInserted: 1,
  rowsUpdated: 2,
  rowsDeleted: 3,
  blocksHit: 90,
  blocksRead: 10,
  temporaryBytes: 0,
  walBytes: 5000 as number | null
}
const server = { database: "ems", startedAt: "2026-01-31T00:00:00.000Z" }
const first = { counters, server }
/** Two seconds after it. */
const after = (changes: Partial<typeof counters> = {}, there = server) => ({
  counters: { ...counters, atMs: 1_002_000, ...changes },
  server: there
})
describe("rates", () => {
  test("are of the time between two samples", () => {
    const now = after({
      commits: 118,
      rollbacks: 12,
      rowsInserted: 5,
      blocksHit: 93,
      blocksRead: 11,
      walBytes: 9000
    })
    expect(ratesOf(now, first)).toEqual({
      overMs: 2000,
      transactions: 10,
      rollbacks: 1,
      rowsRead: 0,
      rowsWritten: 2,
      cacheHitRatio: 0.75,
      temporaryBytes: 0,
      walBytes: 2000
    })
  })

  test("are unknown without a sample before, of another server, and when the clock was set back", () => {
    expect(ratesOf(after(), undefined)).toEqual(noRates)
    expect(ratesOf(after({}, { ...server, startedAt: "2026-01-31T00:00:01.000Z" }), first)).toEqual(noRates)
    expect(ratesOf(after({}, { ...server, database: "other" }), first)).toEqual(noRates)
    expect(ratesOf(first, after())).toEqual(noRates)
    expect(ratesOf(first, first)).toEqual(noRates)
  })

  test("are unknown where the statistics began anew, also when the figures are larger; the log goes on", () => {
    const now = after({ since: "2026-01-31T00:00:00.000Z", commits: 100_000, walBytes: 7000 })
    expect(ratesOf(now, first)).toEqual({ ...noRates, overMs: 2000, walBytes: 1000 })
  })

  test("a figure that fell is none, and spoils what is made of it alone", () => {
    const now = after({ rollbacks: 0, rowsUpdated: 0, blocksHit: 0, walBytes: null, rowsRead: 1200 })
    expect(ratesOf(now, first)).toEqual({ ...noRates, overMs: 2000, rowsRead: 100, temporaryBytes: 0 })
  })
})

const session = {
  pid: 1,
  backendType: "client backend",
  database: "ems",
  user: "u",
  application: "a",
  state: "active",
  waitEventType: null,
  waitEvent: null,
  queryMs: 1000,
  transactionMs: 1000,
  workers: 0,
  blockedBy: [],
  query: "select ?"
}
const hostile = "\u001B[2Jx\n\u009B1A\u202E表😀" + "w".repeat(70)
const top: Top = {
  timestamp: "2026-01-31T23:59:59.999Z",
  server: {
    database: hostile,
    version: 180_004,
    isStandby: true,
    startedAt: "2026-01-31T00:00:00.000Z",
    uptimeMs: 86_399_999
  },
  databaseBytes: 5_000_000_000,
  counters,
  rates: { ...noRates, transactions: 123_456.7, rollbacks: 0.4, cacheHitRatio: 0.5 },
  connections: {
    used: 95,
    limit: 97,
    reserved: 3,
    left: 2,
    states: [{ state: "idle in transaction", count: 90 }, { state: null, count: 5 }]
  },
  waits: [{ type: "Lock", event: "relation", count: 2 }],
  blocking: {
    roots: [{
      pid: 10,
      user: hostile,
      application: hostile,
      state: "idle in transaction",
      transactionMs: 5000,
      victims: 2,
      longestWaitMs: 4000,
      waiters: [11, 12]
    }],
    total: 30,
    cycles: [[7, 8]]
  },
  sessions: {
    items: [
      { ...session, pid: 11, queryMs: 10, transactionMs: 9000, blockedBy: [10], waitEventType: "Lock", waitEvent: "x" },
      { ...session, pid: 10, queryMs: null, transactionMs: 8000, user: hostile, application: hostile },
      { ...session, pid: 13, queryMs: 7000, transactionMs: 7000, query: `${hostile} `.repeat(30), workers: 2 },
      ...Array.from({ length: 30 }, (_, n) => ({ ...session, pid: 100 + n, database: hostile }))
    ],
    total: 250
  },
  pool: { max: 10, acquired: 3, idle: 2, waiting: 1 },
  unavailableParts: [{ part: "databaseBytes", because: "failed", text: "the server refused: it took too long for us" }],
  notes: ["what other roles' sessions do is not shown: grant pg_read_all_stats to see it"]
}
const plainScreen: Screen = { width: 100, hasColor: false, border: "ascii" }
const manner: Manner = {
  sort: "transaction",
  intervalMs: 2000,
  isPaused: false,
  silence: { since: "2026-01-31T23:59:59.999Z", forMs: 65_000, text: hostile }
}
// oxlint-disable-next-line no-control-regex
const style = /\u001B\[(?:1|22|7|27)m/g

describe("a frame", () => {
  test("is what the contract says", () => {
    expect(Schema.decodeUnknownSync(Top)(JSON.parse(JSON.stringify(top)))).toEqual(top)
  })

  test("never wraps, never scrolls, and obeys nobody's control characters", () => {
    for (const border of ["ascii", "unicode"] as const) {
      for (let width = 1; width <= 160; width++) {
        for (const height of [1, 2, 3, 7, 12, 24, 50]) {
          const lines = frame(top, { width, height, border, hasColor: true }, manner)
          expect(lines).toHaveLength(height)
          for (const line of lines) {
            const text = line.replace(style, "")
            expect(widthOf(text), `${width}×${height}: ${JSON.stringify(text)}`).toBeLessThanOrEqual(width)
            expect(text).not.toMatch(/[\p{Cc}\u202A-\u202E]/u)
          }
        }
      }
    }
  })

  test("in a file it has all sessions, no keys and no colours", () => {
    const lines = frame(top, plainScreen)
    expect(lines.filter((line) => line.endsWith(" select ?"))).toHaveLength(32)
    expect(lines.at(-1)).toBe("and 217 more")
    expect(lines.join("\n")).not.toMatch(/keys|every|no answer/)
    expect(lines.join("\n")).toContain("123.5K transactions/s  0.4 rollbacks/s  - rows read/s")
    expect(lines.join("\n")).toContain("95 of 97, 2 left  90 idle in transaction  5 not shown")
    expect(lines.join("\n")).toContain("3 of 10 in use  2 idle  1 waiting")
  })

  test("says what a screen has no room for, how sorted, that it is paused, and since when nobody answers", () => {
    const screen = { ...plainScreen, height: 40 }
    const pidsOf = (sort: Manner["sort"]) =>
      frame(top, screen, { ...manner, sort }).flatMap((line) => /^ {0,5}(\d+) /.exec(line)?.[1] ?? []).slice(0, 3)
    expect(pidsOf("transaction")).toEqual(["11", "10", "13"])
    expect(pidsOf("query")).toEqual(["13", "100", "101"])
    expect(pidsOf("waiting")[0]).toBe("11")
    const lines = frame(top, screen, { ...manner, isPaused: true })
    expect(lines.join("\n")).toMatch(/PAUSED/)
    expect(lines.join("\n")).toMatch(/^no answer +since 23:59:59Z, for 1\.1 min/m)
    const shown = lines.filter((line) => /^ {0,5}\d+ /.test(line)).length
    expect(lines.at(-2)).toBe(`and ${250 - shown} more`)
  })
})

describe("the view", () => {
  const view: View = {
    top,
    answeredAt: 0,
    askedAt: undefined,
    failure: undefined,
    sort: "transaction",
    intervalMs: 2000,
    isPaused: false
  }
  const typed = (...keys: ReadonlyArray<string>) =>
    keys.reduce<View | undefined>((seen, key) => seen && next(seen, { _tag: "Typed", key }), view)

  test("keys", () => {
    expect(typed("q")).toBeUndefined()
    expect(typed(" ")?.isPaused).toBe(true)
    expect(typed(" ", " ", "x", "")).toEqual(view)
    expect(typed("s")?.sort).toBe("query")
    expect(typed("s", "s", "s")?.sort).toBe("transaction")
    expect(typed(...Array<string>(9).fill("-"))?.intervalMs).toBe(1000)
    expect(typed(...Array<string>(99).fill("+"))?.intervalMs).toBe(60_000)
  })

  test("silence: a failure, or a look that takes its time, since the last answer", () => {
    expect(silence(view, 9000)).toBeUndefined()
    const asked = next(view, { _tag: "Asked", at: 1000 })
    const silenceAt = (seen: View | undefined, now: number) => seen === undefined ? "left" : silence(seen, now)
    expect(silenceAt(asked, 2999)).toBeUndefined()
    expect(silenceAt(asked, 3000)).toMatchObject({ since: 0 })
    const failed = next(view, { _tag: "Failed", text: "gone" })
    const again = failed && next(failed, { _tag: "Asked", at: 9000 })
    expect(again && silence(again, 9001)).toEqual({ since: 0, text: "gone" })
    expect(again && next(again, { _tag: "Answered", at: 9500, top })).toMatchObject({
      failure: undefined,
      answeredAt: 9500
    })
  })
})

describe("the pace", () => {
  const looks = (steps: (pace: Pace.Pace) => Effect.Effect<void>) =>
    Effect.gen(function*() {
      const pace = yield* Pace.make({ intervalMs: 2000, isPaused: false })
      let count = 0
      const fiber = yield* Effect.forkChild(Effect.forever(Effect.tap(pace.due, () => Effect.sync(() => count++))))
      yield* TestClock.adjust(0)
      yield* steps(pace)
      yield* Fiber.interrupt(fiber)
      return count
    }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise)

  test("the first look at once, the others by the interval", async () => {
    expect(await looks(() => TestClock.adjust(0))).toBe(1)
    expect(await looks(() => TestClock.adjust(1999))).toBe(1)
    expect(await looks(() => TestClock.adjust(6000))).toBe(4)
  })

  test("none while paused, and a shorter interval holds at once", async () => {
    const paused = { intervalMs: 2000, isPaused: true }
    expect(await looks((pace) => Effect.andThen(pace.set(paused), TestClock.adjust(60_000)))).toBe(1)
    expect(
      await looks((pace) =>
        Effect.andThen(
          Effect.andThen(pace.set(paused), TestClock.adjust(60_000)),
          Effect.andThen(pace.set({ ...paused, intervalMs: 1000 }), TestClock.adjust(0))
        )
      )
    ).toBe(1)
    expect(
      await looks((pace) =>
        Effect.andThen(
          Effect.andThen(pace.set(paused), TestClock.adjust(60_000)),
          Effect.andThen(pace.set({ ...paused, isPaused: false }), TestClock.adjust(0))
        )
      )
    ).toBe(2)
    expect(
      await looks((pace) => Effect.andThen(pace.set({ intervalMs: 1000, isPaused: false }), TestClock.adjust(1000)))
    ).toBe(2)
  })
})
