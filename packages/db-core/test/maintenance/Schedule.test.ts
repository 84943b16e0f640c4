import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { Maintenance } from "../../src/maintenance/Maintenance.ts"
import { MaintenanceError } from "../../src/maintenance/MaintenanceError.ts"
import * as Schedule from "../../src/maintenance/Schedule.ts"

const noon = Date.UTC(2026, 5, 1, 12)

/** Instants at which maintenance was asked for while the clock went through `hours` from a noon in June, UTC. */
const runs = (
  options: Schedule.ScheduleOptions,
  hours: number,
  answer: Effect.Effect<never, MaintenanceError> = Effect.never
) => {
  const asked: Array<string> = []
  let stopped = 0
  const maintenance = Layer.mock(Maintenance, {
    run: () =>
      Effect.clockWith((clock) => {
        asked.push(new Date(clock.currentTimeMillisUnsafe()).toISOString())
        return Effect.onInterrupt(answer, () => Effect.sync(() => stopped++))
      })
  })
  return Effect.gen(function*() {
    yield* TestClock.setTime(noon)
    yield* Effect.forkScoped(Layer.launch(Layer.provide(Schedule.layer(options), maintenance)))
    for (let minute = 0; minute < hours * 60; minute++) yield* TestClock.adjust("1 minute")
    return { asked, stopped }
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()), Effect.runPromise)
}

describe("scheduled maintenance", () => {
  it("runs once in each window, in its time zone, and ends with it", async () => {
    const { asked, stopped } = await runs({ window: "02:00-04:00", timeZone: "Europe/Berlin" }, 48)
    // In June Berlin is two hours ahead.
    expect(asked.map((at) => at.slice(0, 16))).toEqual(["2026-06-02T00:00", "2026-06-03T00:00"])
    expect(stopped).toBe(2)
  })

  it("knows a window over midnight", async () => {
    const { asked } = await runs({ window: "23:30-00:30" }, 24)
    expect(asked.map((at) => at.slice(0, 15))).toEqual(["2026-06-01T23:3"])
    expect(Schedule.leftOf({ from: 1410, to: 30 }, 1439)).toBe(31)
    expect(Schedule.leftOf({ from: 1410, to: 30 }, 29)).toBe(1)
    expect(Schedule.leftOf({ from: 1410, to: 30 }, 30)).toBeUndefined()
  })

  it("leaves it to whoever is at it", async () => {
    const busy = MaintenanceError.of("maintenance", {
      _tag: "RunnerBusy",
      pid: 1,
      application: null,
      action: "createIndexes",
      actor: null,
      jobId: null,
      since: null
    })
    expect((await runs({ window: "12:00-13:00" }, 3, Effect.fail(busy))).asked).toHaveLength(1)
  })

  it("refuses hours and time zones that are none", async () => {
    await expect(runs({ window: "2-4" }, 0.1)).resolves.toMatchObject({ asked: [] })
    const build = (options: Schedule.ScheduleOptions) =>
      Effect.runPromise(
        Effect.flip(Effect.scoped(Layer.build(Layer.provide(Schedule.layer(options), Layer.mock(Maintenance, {})))))
      )
    expect((await build({ window: "24:00-25:00" })).message).toMatch(/02:00-04:00/)
    expect((await build({ window: "02:00-04:00", timeZone: "Mars" })).message).toMatch(/Europe\/Berlin/)
  })
})
