/**
 * The only door to the database. A callback is lent Drizzle's handle; what it fails with comes out as `DbError`.
 */
import type { AnyRelations } from "drizzle-orm"
import type { PgTransactionConfig } from "drizzle-orm/pg-core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { DbConfig } from "../config/DbConfig.ts"
import { CurrentBudget, hold } from "../driver/Budget.ts"
import * as Cursor from "../driver/Cursor.ts"
import { type Handle, makeHandle, own, type TransactionHandle } from "../driver/DrizzleSession.ts"
import { LaneChoice } from "../driver/Lane.ts"
import { makePromiseHandle, type PromiseHandle, type Run } from "../driver/PromiseSession.ts"
import type { DbError } from "../errors/DbError.ts"
import { rerun } from "./RetryPolicy.ts"
import { StatementRunner } from "./StatementRunner.ts"

export type { Handle, TransactionHandle } from "../driver/DrizzleSession.ts"

/**
 * How long a call may take, everything included: waiting for a connection, connecting, the statements, retries. In
 * milliseconds, `Infinity` for no limit. The caller is back by then with `DeadlineExceeded`, whose fate says what may
 * have become of the work; the server stops working for it. By default `DbConfig.queryTimeout`, for `query` for each of
 * its statements. A call inside a transaction ends with that at the latest.
 */
export interface TimeLimit {
  readonly timeout?: number
}

export interface DatabaseShape<Relations extends AnyRelations> {
  /** The relations it was built with. */
  readonly relations: Relations
  /** Runs statements. Reads share connections; everything else has one to itself for the statement. */
  readonly query: <A, E, R>(
    use: (db: Handle<Relations>) => Effect.Effect<A, E, R>,
    options?: TimeLimit & {
      /** An interruption cancels the statement at the server. Costs a connection of its own. Default false. */
      readonly cancellable?: boolean
    }
  ) => Effect.Effect<A, E | DbError, R>
  /**
   * Runs one writing statement so that its outcome is known: in a transaction of its own, whose COMMIT is resolved when
   * its answer is lost, and again while it surely had no effect. Fails with `CommitUnknown` only if the server could
   * not be asked. Four round trips; `query` takes one, and fails with `CommitUnknown` whenever the answer is lost.
   * Inside a transaction it is a statement of that.
   */
  readonly write: <A, E, R>(
    use: (db: Handle<Relations>) => Effect.Effect<A, E, R>,
    options?: TimeLimit
  ) => Effect.Effect<A, E | DbError, R>
  /**
   * Runs `use` in a transaction: commits when it succeeds, rolls back when it fails or is interrupted. Inside another
   * transaction it is a savepoint. A COMMIT that the server answers with ROLLBACK fails with `CommitRolledBack`; one
   * whose answer is lost is resolved, and fails with `CommitUnknown` only if the server could not be asked.
   */
  readonly transaction: <A, E, R>(
    use: (tx: TransactionHandle<Relations>) => Effect.Effect<A, E, R>,
    config?: PgTransactionConfig & TimeLimit & {
      /**
       * `use` may run again from its beginning: after a serialization failure or deadlock, and after a lost connection
       * that rolled back. Only for closures without effects outside the database. Default false.
       */
      readonly retry?: boolean
    }
  ) => Effect.Effect<A, E | DbError, R>
  /**
   * Statements that need a session of their own, past the pooler: DDL, VACUUM, CREATE INDEX CONCURRENTLY, locks of a
   * session, temporary tables, settings. All of `use` runs on one connection, which is closed afterwards; one caller at
   * a time, the others wait. Without limit of time unless `timeout` says one. Fails with `Unsupported` when the URL
   * names a pooler and nobody said how to get past it (`EMS_DIRECT_URL`).
   */
  readonly direct: <A, E, R>(
    use: (db: Handle<Relations>) => Effect.Effect<A, E, R>,
    options?: TimeLimit
  ) => Effect.Effect<A, E | DbError, R>
  /**
   * Rows of a select, `DbConfig.streamBatch` at a time through a cursor; memory stays bounded on both sides. Each batch
   * comes within `DbConfig.queryTimeout`; how long its reader takes in between is the reader's own affair.
   */
  readonly stream: <Row>(
    use: (db: Handle<Relations>) => Effect.Effect<ReadonlyArray<Row>, DbError> & Cursor.Streamable
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

  static readonly layerNoDeps = (relations: AnyRelations) =>
    Layer.effect(
      Database,
      make(relations)
    )
}

const make = Effect.fnUntraced(function*<Relations extends AnyRelations>(relations: Relations) {
  const config = yield* DbConfig
  const { direct, failed, statements, traced, within } = yield* StatementRunner
  const handle = makeHandle(statements, relations)
  /** In a transaction the deadline is that of the transaction; here nobody else has the connection. */
  const eachBatch: Cursor.Limit = (session, step) =>
    Effect.tapError(
      within(
        Effect.withFiber((fiber) => {
          const release = hold(fiber.getRef(CurrentBudget), session)
          return Effect.ensuring(step, Effect.sync(release))
        }),
        config.queryTimeout
      ),
      // What would be said to it now could only wait for an answer.
      ({ reason }) => reason._tag === "DeadlineExceeded" ? session.destroy : Effect.void
    )

  const database: DatabaseShape<Relations> = {
    relations,
    query: (use, options) => {
      const call = Effect.suspend(() => use(handle))
      const run = options?.timeout === undefined ? call : within(call, options.timeout)
      return options?.cancellable === true ? Effect.provideService(run, LaneChoice, "exclusive") : run
    },
    write: (use, options) =>
      Effect.withFiber((fiber) =>
        statements.current(fiber) === undefined
          ? traced(
            "write",
            within(
              rerun(statements.transaction(Effect.suspend(() => use(handle)))),
              options?.timeout ?? config.queryTimeout
            )
          )
          : use(handle)
      ),
    transaction: (use, { retry, timeout = config.queryTimeout, ...transactionConfig } = {}) => {
      const once = handle.transaction(use, transactionConfig)
      return Effect.withFiber((fiber) => {
        // Inside another transaction it is that one which would have to run again.
        const run = retry === true && statements.current(fiber) === undefined ? rerun(once) : once
        return Effect.mapError(traced("transaction", within(run, timeout)), own)
      })
    },
    direct: (use, options) =>
      within(
        direct.use((statements) => use(makeHandle(statements, relations))),
        options?.timeout ?? Number.POSITIVE_INFINITY
      ),
    stream: (use) =>
      Stream.suspend(() =>
        Stream.tapError(
          Cursor.stream(statements, use(handle), config.streamBatch, eachBatch),
          (error) => Effect.sync(() => failed(error))
        )
      ),
    promises: (run) => makePromiseHandle(statements, relations, run)
  }
  return database
})
