import { redisMissing, startRedis } from "@ems/db-testing/Redis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { afterEach, describe, expect, it } from "vitest"
import * as MemoryStore from "../src/limits/MemoryStore.ts"
import { type Limits, RateLimits } from "../src/limits/RateLimits.ts"
import * as SharedStore from "../src/limits/SharedStore.ts"
import { unlimited } from "./support.ts"

const closers: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const settings = { ...unlimited, address: 100, login: 5 }

const make = async (store = MemoryStore.layer): Promise<Limits> => {
  const runtime = ManagedRuntime.make(Layer.provide(RateLimits.layerNoDeps(settings), store))
  closers.push(() => runtime.dispose())
  return runtime.runPromise(RateLimits)
}

/** How many of `times` were let through. */
const allowed = async (limits: Limits, kind: "address" | "login", key: string, times: number): Promise<number> => {
  let count = 0
  for (let at = 0; at < times; at++) if (await limits.spend(kind, key) === 0) count++
  return count
}

describe("limits of one process", () => {
  it("let exactly so many through in a minute, each key for itself", async () => {
    const limits = await make()
    expect(await allowed(limits, "login", "a", 50)).toBe(5)
    expect(await allowed(limits, "login", "b", 3)).toBe(3)
    expect(await allowed(limits, "address", "a", 300)).toBe(100)
    expect(limits.refused("login", "a")).toBeGreaterThan(0)
    expect(limits.refused("login", "b")).toBe(0)
  })

  it("answer without a promise", async () => {
    const limits = await make()
    for (let at = 0; at < 150; at++) expect(typeof limits.spend("address", "a")).toBe("number")
  })

  it("let nobody wait where there is no limit", async () => {
    const limits = await make()
    for (let at = 0; at < 1000; at++) expect(limits.spend("principal", "a")).toBe(0)
  })

  it("say for how long, and let through again after that", () =>
    Effect.runPromise(Effect.scoped(
      Effect.gen(function*() {
        const limits = yield* RateLimits
        for (let at = 0; at < 5; at++) expect(limits.spend("login", "a")).toBe(0)
        const wait = limits.spend("login", "a")
        expect(wait).toBe(60)
        yield* TestClock.adjust("59 seconds")
        expect(limits.spend("login", "a")).toBe(1)
        yield* TestClock.adjust("1 seconds")
        expect(limits.spend("login", "a")).toBe(0)
      }).pipe(
        Effect.provide(Layer.provideMerge(
          Layer.provide(RateLimits.layerNoDeps(settings), MemoryStore.layer),
          TestClock.layer()
        ))
      )
    )))
})

const missing = redisMissing()
describe.skipIf(missing !== undefined)(
  `limits of several processes${missing === undefined ? "" : `: ${missing}`}`,
  () => {
    const shared = async () => {
      const redis = await startRedis()
      closers.push(() => redis.close())
      return { redis, store: () => SharedStore.layer(Redacted.make(redis.url)) }
    }
    /** A first connection is opened in the background. */
    const connected = () => new Promise((resolve) => setTimeout(resolve, 200))

    // Where Redis takes longer than it may, each counts for itself: on a machine that stands still it may.
    it("let exactly so many through together", { retry: 2 }, async () => {
      const { store } = await shared()
      const [a, b] = [await make(store()), await make(store())]
      await connected()
      expect(await allowed(a, "login", "x", 3) + await allowed(b, "login", "x", 9)).toBe(5)
      const both = await Promise.all([allowed(a, "address", "x", 200), allowed(b, "address", "x", 200)])
      expect((both[0] ?? 0) + (both[1] ?? 0)).toBe(100)
    })

    it("are those of each process while Redis does not answer, and make nobody wait", async () => {
      const { redis, store } = await shared()
      const limits = await make(store())
      await connected()
      expect(await allowed(limits, "login", "x", 2)).toBe(2)
      redis.freeze()
      const began = performance.now()
      expect(await allowed(limits, "login", "x", 20)).toBe(5)
      expect(performance.now() - began).toBeLessThan(500)
      redis.resume()
    })
  }
)
