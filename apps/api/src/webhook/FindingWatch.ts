/**
 * Runs the checks and tells of findings that are to be acted on now: once while they last, and once when they are gone.
 */
import { Catalog, type CheckResult } from "@ems/db-core/catalog/Catalog"
import type { Finding } from "@ems/db-core/catalog/Finding"
import { DbConfig } from "@ems/db-core/config/DbConfig"
import type { Database } from "@ems/db-core/connection/Database"
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import type { DbError } from "@ems/db-core/errors/DbError"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Delivery } from "./Delivery.ts"
import * as ToldFindings from "./ToldFindings.ts"

const errorsOf = (results: ReadonlyArray<CheckResult>): ReadonlyMap<string, Finding> =>
  new Map(
    results.flatMap(({ answer }) => answer.isAvailable ? answer.rows : [])
      .filter(({ severity }) => severity === "error")
      .map((finding) => [finding.cacheKey, finding])
  )

/** Logs what the database would not take; the next look tries again. */
const logged = <R>(effect: Effect.Effect<void, DbError, R>): Effect.Effect<void, never, R> =>
  Effect.catch(effect, (error) => Effect.logWarning("findings were not told", error.message))

/** Looks every `interval` milliseconds until its scope ends. */
export const watch = Effect.fnUntraced(function*({ send }: Delivery, instance: string, interval: number) {
  const catalog = yield* Catalog
  const health = yield* HealthCheck
  const statistics = yield* QueryStatistics
  const { target } = yield* DbConfig
  const context = yield* Effect.context<Database>()
  /** A compute that sleeps when nobody asks; a look would wake it. */
  const sleeps = target.kind === "neon" || target.host.endsWith(".neon.tech")
  const counted = Effect.map(statistics.totals(), ({ calls }) => calls)
  let seen = yield* counted

  let store: ToldFindings.ToldFindings | undefined
  /** Told by whomever: check by cache key. While nothing changes nothing is asked of the table. */
  const told = new Map<string, string>()
  /** On their way. */
  const pending = new Set<string>()

  const now = Effect.map(DateTime.now, DateTime.formatIso)

  const tell = (finding: Finding, { claim, delivered, remove }: ToldFindings.ToldFindings) =>
    Effect.gen(function*() {
      const { cacheKey, name } = finding
      const claimed = yield* claim(cacheKey, name)
      if (claimed === "told") told.set(cacheKey, name)
      if (claimed !== "mine") return
      pending.add(cacheKey)
      const done = Effect.sync(() => pending.delete(cacheKey))
      yield* send({
        notification: { event: "error", at: yield* now, instance, finding },
        delivered: Effect.andThen(
          Effect.sync(() => told.set(cacheKey, name)),
          Effect.andThen(logged(delivered(cacheKey)), done)
        ),
        // Free for the next look, or for another process that reaches the receiver.
        lost: Effect.andThen(logged(Effect.asVoid(remove(cacheKey))), done)
      })
    })

  const resolve = (cacheKey: string, name: string, { remove }: ToldFindings.ToldFindings) =>
    Effect.gen(function*() {
      const isMine = yield* remove(cacheKey)
      told.delete(cacheKey)
      if (!isMine) return
      yield* send({
        notification: { event: "resolved", at: yield* now, instance, finding: { name, cacheKey } }
      })
    })

  const look = Effect.gen(function*() {
    if (!(yield* health.current).isReady) return
    if (sleeps && (yield* counted) === seen) return
    const results = yield* catalog.checks()
    const found = errorsOf(results)
    const looked = new Set(results.filter(({ answer }) => answer.isAvailable).map(({ name }) => name))
    if (store === undefined) {
      const opened = yield* ToldFindings.open
      for (const [cacheKey, name] of yield* opened.all) told.set(cacheKey, name)
      store = opened
    }
    for (const [cacheKey, finding] of found) {
      if (!told.has(cacheKey) && !pending.has(cacheKey)) yield* tell(finding, store)
    }
    for (const [cacheKey, name] of told) {
      // What could not be looked at may still be there.
      if (!found.has(cacheKey) && looked.has(name)) yield* resolve(cacheKey, name, store)
    }
    seen = yield* counted
  }).pipe(logged, Effect.provideContext(context))

  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(Duration.millis(interval)), look)))
})
