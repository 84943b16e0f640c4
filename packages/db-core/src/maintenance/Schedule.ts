/**
 * Maintenance by itself, in hours of little traffic. Off unless somebody names the hours.
 *
 * Once in each window: `maintenance`, which finds out itself what is due. Of several processes with the same schedule
 * one does it; the others are refused, and find nothing due in the next window.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { DbConfigError } from "../config/DbConfigError.ts"
import { Maintenance } from "./Maintenance.ts"

export interface ScheduleOptions {
  /** When it may begin, and when what is not done is stopped: `02:00-04:00`. May go over midnight. */
  readonly window: string
  /** Of the window: a name such as `Europe/Berlin`. Default `UTC`. */
  readonly timeZone?: string | undefined
}

/** How late a window that has begun may be noticed. Milliseconds. */
const interval = 60_000

/** Processes that were started together do not ask together. Milliseconds. */
const spread = 10_000

const day = 24 * 60

/** Minutes since midnight. */
interface Window {
  readonly from: number
  readonly to: number
}

const parse = (text: string): Window | undefined => {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ??
      []
  if (fromHour === undefined) return undefined
  const from = Number(fromHour) * 60 + Number(fromMinute)
  const to = Number(toHour) * 60 + Number(toMinute)
  return from === to ? undefined : { from, to }
}

/** Minutes until the window ends, at `minute` of the day; undefined outside of it. */
export const leftOf = ({ from, to }: Window, minute: number): number | undefined => {
  const length = (to - from + day) % day
  const since = (minute - from + day) % day
  return since < length ? length - since : undefined
}

const invalid = (key: string, value: string, expected: string) =>
  Effect.fail(new DbConfigError({ key, value, expected }))

/** Fails with `DbConfigError` for a window or a time zone that is none. Ends with the layer. */
export const layer = (
  { timeZone = "UTC", window: text }: ScheduleOptions
): Layer.Layer<never, DbConfigError, Maintenance> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const maintenance = yield* Maintenance
    const window = parse(text)
    if (window === undefined) return yield* invalid("EMS_MAINTENANCE_WINDOW", text, "hours such as 02:00-04:00")
    const zone = Option.getOrUndefined(DateTime.zoneMakeNamed(timeZone))
    if (zone === undefined) return yield* invalid("EMS_MAINTENANCE_TIME_ZONE", timeZone, "a name such as Europe/Berlin")

    const left = Effect.map(Clock.currentTimeMillis, (now) => {
      const { hour, minute } = DateTime.toParts(DateTime.setZone(DateTime.makeUnsafe(now), zone))
      return leftOf(window, hour * 60 + minute)
    })
    const once = (minutes: number) =>
      maintenance.run({ action: "maintenance", actor: "schedule" }).pipe(
        // What is under way then is cancelled, and goes on in the next window.
        Effect.timeoutOption(minutes * 60_000),
        Effect.tap((done) =>
          Effect.logInfo(
            Option.isSome(done)
              ? `scheduled maintenance: ${done.value.steps.length} steps in ${done.value.durationMs} ms`
              : "scheduled maintenance: stopped at the end of its window"
          )
        ),
        Effect.catchIf(
          (error) => error._tag === "MaintenanceError" && error.reason._tag === "RunnerBusy",
          () => Effect.void
        ),
        Effect.catch((error) => Effect.logWarning("scheduled maintenance failed", error.message))
      )

    let isDone = false
    const look = Effect.gen(function*() {
      const minutes = yield* left
      if (minutes === undefined) {
        isDone = false
        return
      }
      if (isDone) return
      isDone = true
      yield* Effect.sleep(yield* Random.nextBetween(0, spread))
      yield* once(minutes)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(interval))))
  }))
