/**
 * The only door to the database. A callback is lent Drizzle's handle; what it fails with comes out as `DbError`.
 */
import type { AnyRelations } from "drizzle-orm"
import type { EffectPgQueryEffectHKT, EffectPgQueryResultHKT } from "drizzle-orm/effect-postgres"
import type { PgTransactionConfig } from "drizzle-orm/pg-core"
import type { PgEffectTransaction } from "drizzle-orm/pg-core/effect"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { DbConfig } from "../config/DbConfig.ts"
import { makeClient } from "../driver/Client.ts"
import * as Cursor from "../driver/Cursor.ts"
import { type Foreign, type Handle, makeHandle, unwrap } from "../driver/Drizzle.ts"
import { LaneChoice } from "../driver/Lane.ts"
import { makePromiseHandle, type PromiseHandle, type Run } from "../driver/PromiseSession.ts"
import { type DbError, isDbError } from "../errors/DbError.ts"
import { Observations } from "./Observations.ts"
import { Pool } from "./Pool.ts"
import * as StatementLog from "./StatementLog.ts"

/** A transaction's handle. */
export type Transaction<Relations extends AnyRelations> = PgEffectTransaction<
  EffectPgQueryEffectHKT,
  EffectPgQueryResultHKT,
  Relations
>

/** What a call fails with: the caller's own errors, and `DbError` in place of the driver's. */
type Failure<E> = DbError | Exclude<E, Foreign>

export interface DatabaseShape<Relations extends AnyRelations> {
  /** The relations it was built with. */
  readonly relations: Relations
  /** Runs statements. Reads share connections; everything else has one to itself for the statement. */
  readonly query: <A, E, R>(
    use: (db: Handle<Relations>) => Effect.Effect<A, E, R>,
    options?: {
      /** An interruption cancels the statement at the server. Costs a connection of its own. Default false. */
      readonly cancellable?: boolean
    }
  ) => Effect.Effect<A, Failure<E>, R>
  /** Runs one writing statement on a connection of its own, whatever it looks like. */
  readonly write: <A, E, R>(use: (db: Handle<Relations>) => Effect.Effect<A, E, R>) => Effect.Effect<A, Failure<E>, R>
  /**
   * Runs `use` in a transaction: commits when it succeeds, rolls back when it fails or is interrupted. Inside another
   * transaction it is a savepoint. A COMMIT that the server answers with ROLLBACK fails with `CommitRolledBack`.
   */
  readonly transaction: <A, E, R>(
    use: (tx: Transaction<Relations>) => Effect.Effect<A, E, R>,
    config?: PgTransactionConfig
  ) => Effect.Effect<A, Failure<E>, R>
  /** Rows of a select, `DbConfig.streamBatch` at a time through a cursor; memory stays bounded on both sides. */
  readonly stream: <Row>(
    use: (db: Handle<Relations>) => Effect.Effect<ReadonlyArray<Row>, Foreign> & Cursor.Streamable
  ) => Stream.Stream<Row, DbError>
  /** Drizzle's promise API over the same connections; each query is started by `run`. See `promise.ts`. */
  readonly promises: (run: Run) => PromiseHandle<Relations>
}

export class Database extends Context.Service<Database, DatabaseShape<AnyRelations>>()(
  "@ems/db-core/connection/Database"
) {
  /**
   * The database typed by `relations`. They must be the object that the layer was built with: anything else is a
   * wiring mistake, and dies.
   */
  static readonly with = <Relations extends AnyRelations>(
    relations: Relations
  ): Effect.Effect<DatabaseShape<Relations>, never, Database> =>
    Database.use((database) =>
      database.relations === relations
        // Identity of the relations is what the type parameter stands for.
        ? Effect.succeed(database as unknown as DatabaseShape<Relations>)
        : Effect.die(new Error("Database.with: the layer was built with other relations"))
    )

  static readonly layerNoDeps = <Relations extends AnyRelations>(relations: Relations) =>
    Layer.effect(
      Database,
      Effect.map(make(relations), (database) => database as unknown as DatabaseShape<AnyRelations>)
    )
}

const make = Effect.fnUntraced(function*<Relations extends AnyRelations>(relations: Relations) {
  const config = yield* DbConfig
  const pool = yield* Pool
  const observations = yield* Observations
  const level = yield* References.MinimumLogLevel
  const log = StatementLog.make(config.slowQuery, level === "Debug" || level === "Trace" || level === "All")
  const client = yield* makeClient(config, pool, {
    outcome: (outcome) => {
      if (outcome.error === undefined) observations.answered()
      return log.outcome(outcome)
    }
  }, yield* Clock.Clock)
  const handle = yield* makeHandle(client, relations)

  const failure = (operation: string) => <E>(error: E): Failure<E> => {
    const known = unwrap(error, operation)
    if (isDbError(known)) observations.failed(known)
    return known
  }
  const onQuery = failure("query")
  const onTransaction = failure("transaction")

  const database: DatabaseShape<Relations> = {
    relations,
    query: (use, options) => {
      const run = Effect.mapError(Effect.suspend(() => use(handle)), onQuery)
      return options?.cancellable === true ? Effect.provideService(run, LaneChoice, "exclusive") : run
    },
    write: (use) =>
      Effect.suspend(() => use(handle)).pipe(
        Effect.provideService(LaneChoice, "exclusive"),
        Effect.mapError(failure("write"))
      ),
    transaction: (use, transactionConfig) => Effect.mapError(handle.transaction(use, transactionConfig), onTransaction),
    stream: (use) =>
      Stream.suspend(() => Stream.mapError(Cursor.stream(client, use(handle), config.streamBatch), failure("stream"))),
    promises: (run) =>
      makePromiseHandle(
        client,
        relations,
        (effect) => run(Effect.tapError(effect, (error) => Effect.sync(() => onQuery(error))))
      )
  }
  return database
})
