import * as DbConfig from "@ems/db-core/config/DbConfig"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { RequestsInFlight } from "../src/limits/RequestsInFlight.ts"

const poolMax = 4

/** With 100 at most, and a second for each. */
const run = (use: (requests: RequestsInFlight["Service"]) => Effect.Effect<void>) =>
  Effect.runPromise(Effect.scoped(Effect.provide(
    Effect.flatMap(RequestsInFlight, use),
    RequestsInFlight.layer({ max: 100, timeout: 1000 }).pipe(
      Layer.provide(DbConfig.DbConfig.layerOf({ url: "postgres://user@127.0.0.1:1/x", poolMax })),
      Layer.provideMerge(TestClock.layer())
    )
  )))

const forever = Effect.runFork(Effect.never)
const hanging = () => Effect.runFork(Effect.never)

describe("requests at work", () => {
  it("are ended when their time is over, each at its own", () =>
    run((requests) =>
      Effect.gen(function*() {
        const [short, long] = [hanging(), hanging()]
        const slow = requests.add(long, 3000)
        yield* TestClock.adjust("500 millis")
        const usual = requests.add(short)
        yield* TestClock.adjust("999 millis")
        expect([usual.hasExpired, requests.count()]).toEqual([false, 2])
        yield* TestClock.adjust("2 millis")
        expect([usual.hasExpired, slow.hasExpired, requests.count()]).toEqual([true, false, 1])
        yield* Fiber.await(short)
        yield* TestClock.adjust("1500 millis")
        expect([slow.hasExpired, requests.count()]).toEqual([true, 0])
        yield* Fiber.await(long)
      })
    ))

  it("that ended are left alone, in whatever order they end", () =>
    run((requests) =>
      Effect.gen(function*() {
        const entries = Array.from({ length: 5 }, () => requests.add(forever))
        for (const at of [2, 0, 4, 1, 3]) requests.remove(entries[at]!)
        expect(requests.count()).toBe(0)
        yield* TestClock.adjust("10 seconds")
        expect(entries.some(({ hasExpired }) => hasExpired)).toBe(false)
        expect(forever.pollUnsafe()).toBe(undefined)
      })
    ))

  it("may be four for each connection while nobody knows how fast they are", () =>
    run((requests) =>
      Effect.sync(() => {
        let count = 0
        while (!requests.isFull()) {
          requests.add(forever)
          count++
        }
        expect(count).toBe(4 * poolMax + 1)
      })
    ))

  it("may be as many as are ready within half of their time", () =>
    run((requests) =>
      Effect.gen(function*() {
        // 40 a second, while there are eight at work.
        const working = Array.from({ length: 8 }, () => requests.add(forever))
        for (let at = 0; at < 200; at++) {
          yield* TestClock.adjust("25 millis")
          requests.remove(working.shift()!)
          working.push(requests.add(forever))
        }
        let count = 8
        while (!requests.isFull()) {
          requests.add(forever)
          count++
        }
        expect(count).toBeGreaterThanOrEqual(19)
        expect(count).toBeLessThanOrEqual(22)
      })
    ))

  it("may be as many as there are connections, however slow", () =>
    run((requests) =>
      Effect.gen(function*() {
        for (let round = 0; round < 10; round++) {
          for (let at = 0; at < poolMax; at++) requests.add(hanging())
          yield* TestClock.adjust("1100 millis")
        }
        for (let at = 0; at < poolMax; at++) {
          expect(requests.isFull()).toBe(false)
          requests.add(forever)
        }
        expect(requests.isFull()).toBe(true)
      })
    ))

  it("that few asked for say nothing about how many could be", () =>
    run((requests) =>
      Effect.gen(function*() {
        for (let at = 0; at < 20; at++) {
          const one = requests.add(forever)
          yield* TestClock.adjust("500 millis")
          requests.remove(one)
        }
        for (let at = 0; at < 4 * poolMax; at++) {
          expect(requests.isFull()).toBe(false)
          requests.add(forever)
        }
      })
    ))
})
