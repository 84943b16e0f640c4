/** Our cache through its doors, and our reads past it. */
import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import { type CachedQuery, type CacheSnapshot, Optimizer } from "@ems/db-core/optimizer/Optimizer"
import { relations, type User, users } from "@ems/schema"
import { count, eq, lte, sql, sum } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { readings, rows } from "./Layout.ts"

type DbError = Effect.Error<ReturnType<CachedQuery<unknown>["execute"]>>

export interface Reads<Values, A> {
  readonly bounded: (values: Values) => Effect.Effect<A, DbError>
  readonly tryHit: (values: Values) => A | undefined
  readonly strong: (values: Values) => Effect.Effect<A, DbError>
  readonly uncached: (values: Values) => Effect.Effect<A, DbError>
}

export interface Ems {
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
  /** One user by its key. */
  readonly point: Reads<{ readonly id: bigint }, Array<User>>
  /** The first `users`; `key` makes it another answer. */
  readonly several: Reads<{ readonly key: number; readonly users: number }, Array<User>>
  /** Goes through the readings up to `id`. */
  readonly aggregate: Reads<{ readonly id: number }, Array<{ readonly n: number; readonly total: string | null }>>
  readonly snapshot: () => Promise<CacheSnapshot>
  readonly close: () => Promise<void>
}

export const openEms = async (
  url: string,
  settings: { readonly cacheMaxEntries?: number; readonly cacheMaxBytes?: number } = {}
): Promise<Ems> => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, { url, cacheMaxEntries: 2 * rows, ...settings }))
  const open = Effect.gen(function*() {
    const database = yield* Database.with(relations)
    const optimizer = yield* Optimizer
    const prepared = yield* database.query((db) =>
      Effect.succeed({
        point: db.select().from(users).where(eq(users.id, sql.placeholder("id"))).prepare("point"),
        several: db.select().from(users)
          .where(sql`${users.id} <= ${sql.placeholder("users")} and ${sql.placeholder("key")}::int4 >= 0`)
          .prepare("several"),
        aggregate: db.select({ n: count(), total: sum(readings.value) }).from(readings)
          .where(lte(readings.id, sql.placeholder("id"))).prepare("aggregate")
      })
    )
    const readsOf = <Values extends Record<string, unknown>, A>(
      query: { readonly execute: (values?: Record<string, unknown>) => Effect.Effect<A, DbError> }
    ): Reads<Values, A> => {
      const { execute, tryHit } = optimizer.prepare(query)
      return {
        bounded: execute,
        tryHit,
        strong: optimizer.prepare(query, { consistency: "strong" }).execute,
        uncached: (values) => database.query(() => query.execute(values))
      }
    }
    return {
      point: readsOf<{ readonly id: bigint }, Array<User>>(prepared.point),
      several: readsOf<{ readonly key: number; readonly users: number }, Array<User>>(prepared.several),
      aggregate: readsOf<{ readonly id: number }, Array<{ n: number; total: string | null }>>(prepared.aggregate),
      optimizer
    }
  })
  const { aggregate, optimizer, point, several } = await runtime.runPromise(open)
  return {
    run: (effect) => runtime.runPromise(effect),
    point,
    several,
    aggregate,
    snapshot: () => runtime.runPromise(optimizer.snapshot),
    close: () => runtime.dispose()
  }
}

/** Every user once, so that each is in memory. */
export const warm = ({ point, run }: Ems): Promise<unknown> =>
  run(Effect.forEach(Array.from({ length: rows }, (_, n) => BigInt(n + 1)), (id) => point.bounded({ id }), {
    concurrency: 32
  }))
