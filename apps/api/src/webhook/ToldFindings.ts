/**
 * Who told what, kept in the database, so that of several processes one tells. A finding is claimed before it is told;
 * a claim that came to nothing, because its process ended, is free again after a while.
 */
import { internalSchema } from "@ems/db-core/catalog/internalSchema"
import { Database } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { installed } from "@ems/db-core/migration/InternalTables"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"

const table = sql.raw(`${internalSchema}.told_finding`)

const install = installed("told_finding", [
  `create table if not exists ${internalSchema}.told_finding (
  cache_key text primary key,
  check_name text not null,
  claimed_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz
)`
])

/** `mine`: this process tells. `told`: somebody has. `claimed`: somebody else is at it. */
export type Claim = "mine" | "told" | "claimed"

export interface ToldFindings {
  /** What was told and is not known to be gone: check by cache key. */
  readonly all: Effect.Effect<ReadonlyMap<string, string>, DbError>
  readonly claim: (cacheKey: string, check: string) => Effect.Effect<Claim, DbError>
  /** It was told. */
  readonly delivered: (cacheKey: string) => Effect.Effect<void, DbError>
  /** Forgets it. Says whether it was there: the one who removed it tells that it is gone. */
  readonly remove: (cacheKey: string) => Effect.Effect<boolean, DbError>
}

/** Longer than all attempts at a full queue's first items take. */
const claimLasts = sql.raw("interval '15 minutes'")

const stored = (database: Database["Service"]): ToldFindings => ({
  all: Effect.map(
    database.query((db) =>
      db.execute<{ key: string; check: string }>(
        sql`select cache_key as key, check_name as check from ${table} where delivered_at is not null`
      )
    ),
    ({ rows }) => new Map(rows.map(({ check, key }) => [key, check]))
  ),
  claim: (cacheKey, check) =>
    Effect.gen(function*() {
      const claimed = yield* database.query((db) =>
        db.execute(sql`insert into ${table} as told (cache_key, check_name) values (${cacheKey}, ${check})
          on conflict (cache_key) do update set claimed_at = clock_timestamp()
          where told.delivered_at is null and told.claimed_at < clock_timestamp() - ${claimLasts}
          returning cache_key`)
      )
      if (claimed.rows.length > 0) return "mine"
      const { rows: [row] } = yield* database.query((db) =>
        db.execute<{ told: boolean }>(
          sql`select delivered_at is not null as told from ${table} where cache_key = ${cacheKey}`
        )
      )
      return row?.told === true ? "told" : "claimed"
    }),
  delivered: (cacheKey) =>
    Effect.asVoid(
      database.query((db) =>
        db.execute(sql`update ${table} set delivered_at = clock_timestamp() where cache_key = ${cacheKey}`)
      )
    ),
  remove: (cacheKey) =>
    Effect.map(
      database.query((db) => db.execute(sql`delete from ${table} where cache_key = ${cacheKey} returning cache_key`)),
      ({ rows }) => rows.length > 0
    )
})

/** Where no table can be made every process tells for itself. */
const inMemory: ToldFindings = {
  all: Effect.succeed(new Map()),
  claim: () => Effect.succeed("mine"),
  delivered: () => Effect.void,
  remove: () => Effect.succeed(true)
}

/** Makes the table where it is missing. */
export const open: Effect.Effect<ToldFindings, DbError, Database> = Effect.gen(function*() {
  yield* install
  return stored(yield* Database)
}).pipe(
  Effect.catchIf(
    ({ reason }) => reason._tag === "InsufficientPrivilege" || reason._tag === "ReadOnly",
    ({ reason }) =>
      Effect.as(
        Effect.logWarning(`findings are told by every process: their table cannot be made (${reason._tag})`),
        inMemory
      )
  )
)
