/**
 * Drizzle on our client: the handle that `Database` lends, and the way back from its errors to `DbError`.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import * as PgClientModule from "@effect/sql-pg/PgClient"
import type { AnyRelations } from "drizzle-orm"
import { EffectDrizzleQueryError } from "drizzle-orm/effect-core"
import type { EffectPgDatabase } from "drizzle-orm/effect-postgres"
import * as EffectPostgres from "drizzle-orm/effect-postgres"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { SqlError } from "effect/sql/SqlError"
import { DbError } from "../errors/DbError.ts"
import { fromCause } from "../errors/ServerError.ts"

/** What a query callback is lent: Drizzle's builders, relational queries and raw SQL. Valid inside the callback. */
export type Handle<Relations extends AnyRelations> = EffectPgDatabase<Relations>

export const makeHandle = <Relations extends AnyRelations>(
  client: PgClient,
  relations: Relations
): Effect.Effect<Handle<Relations>> =>
  EffectPostgres.makeWithDefaults({ relations }).pipe(Effect.provideService(PgClientModule.PgClient, client))

/** Drizzle's and the client's own errors, which never leave the data layer. */
export type Foreign = EffectDrizzleQueryError | SqlError

const isForeign = (error: unknown): error is Foreign =>
  error instanceof EffectDrizzleQueryError || error instanceof SqlError

/** The `DbError` inside a foreign error; other errors are the caller's own and pass unchanged. */
export const unwrap = <E>(error: E, operation: string): DbError | Exclude<E, Foreign> => {
  // What is not foreign is in `Exclude<E, Foreign>` by definition.
  if (!isForeign(error)) return error as Exclude<E, Foreign>
  const inner = error instanceof EffectDrizzleQueryError && Cause.isCause(error.cause)
    ? Cause.squash(error.cause)
    : error
  return fromCause(inner, "ServerError", operation, { server: "Refused", socket: "Unknown" })
}
