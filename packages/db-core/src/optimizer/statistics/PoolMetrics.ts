/**
 * The pool's numbers under OpenTelemetry's names, read when somebody reads metrics. The pool is named like its
 * database: hosts are told to nobody.
 *
 * Source: OpenTelemetry semantic conventions, database client metrics. Not known, so not told: `create_time`,
 * `use_time`.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DbConfig } from "../../config/DbConfig.ts"
import { Pool, type PoolSnapshot } from "../../connection/Pool.ts"
import { counter, gauge, histogram } from "../../telemetry/PublishedMetric.ts"

const prefix = "db.client.connection"

/** `used` as the conventions have it: lent, being asked whether they still answer, or being closed. */
const used = ({ idle, total }: PoolSnapshot): number => total - idle

const publish = Effect.gen(function*() {
  const { target } = yield* DbConfig
  const pool = yield* Pool
  const context = yield* Effect.context()
  const read = (of: (snapshot: PoolSnapshot) => number) => () => of(Effect.runSyncWith(context)(pool.snapshot))
  const named = { "db.system.name": "postgresql", "db.client.connection.pool.name": target.database }
  const about = (description: string, unit: string, more: Readonly<Record<string, string>> = {}) => ({
    description,
    attributes: { ...named, ...more, unit }
  })
  const connections = (state: string) =>
    about("connections by state", "{connection}", { "db.client.connection.state": state })
  const bounds = (yield* pool.snapshot).waits.bounds.map((ms) => ms / 1000)

  const removals = [
    gauge(context, `${prefix}.count`, connections("idle"), read(({ idle }) => idle)),
    gauge(context, `${prefix}.count`, connections("used"), read(used)),
    gauge(context, `${prefix}.max`, about("connections at most", "{connection}"), read(({ max }) => max)),
    gauge(context, `${prefix}.idle.max`, about("idle connections at most", "{connection}"), read(({ max }) => max)),
    gauge(context, `${prefix}.idle.min`, about("idle connections at least", "{connection}"), () => 0),
    gauge(
      context,
      `${prefix}.pending_requests`,
      about("callers who wait for a connection", "{request}"),
      read(({ waiting }) => waiting)
    ),
    counter(
      context,
      `${prefix}.timeouts`,
      about("callers who got no connection in time", "{timeout}"),
      read(({ timeouts }) => timeouts)
    ),
    histogram(
      context,
      `${prefix}.wait_time`,
      bounds,
      about("time until a connection was lent", "s"),
      () => {
        const { counts, sumMs } = Effect.runSyncWith(context)(pool.snapshot).waits
        // The pool keeps no extremes: those of the buckets that are not empty.
        const first = counts.findIndex((count) => count > 0)
        const last = counts.findLastIndex((count) => count > 0)
        return { counts, sum: sumMs / 1000, min: bounds[first - 1] ?? 0, max: bounds[last] ?? bounds.at(-1)! }
      }
    )
  ]
  yield* Effect.addFinalizer(() => Effect.sync(() => removals.forEach((remove) => remove())))
})

/** Publishes for as long as the pool lives. */
export const layerNoDeps = () => Layer.effectDiscard(publish)
