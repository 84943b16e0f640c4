/**
 * Runs statements and transactions on the pool's lanes. It stands below Drizzle and above the wire, so every statement
 * of every API passes here once.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Clock } from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, SqlError, UnknownError } from "effect/sql/SqlError"
import { DbError } from "../errors/DbError.ts"
import { fromCause } from "../errors/ServerError.ts"
import { LaneChoice, laneOf } from "./Lane.ts"
import type { Session } from "./Session.ts"
import type { StatementHooks } from "./StatementHooks.ts"
import { type Mode, WireConnection } from "./WireConnection.ts"

/** Where connections come from. Implemented by the pool. */
export interface Lanes {
  /** Lends a session that other callers read on at the same time. */
  readonly shared: <A, E>(use: (session: Session) => Effect.Effect<A, E>) => Effect.Effect<A, E | DbError>
  /** Leases a session alone until the scope closes. */
  readonly lease: Effect.Effect<Session, DbError, Scope.Scope>
}

export interface Statements {
  /** In the transaction of the calling fibre if there is one, else on the lane that fits the statement. */
  readonly execute: (
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>
  ) => Effect.Effect<PgConnection.Result | ReadonlyArray<unknown>, DbError>
  /** Runs `body` in a transaction, or in a savepoint of the one that the calling fibre is in. */
  readonly transaction: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
  /** The connection of the calling fibre's transaction. */
  readonly current: Effect.Effect<WireConnection | undefined>
  /** A connection alone until the scope closes. */
  readonly lease: Effect.Effect<WireConnection, DbError, Scope.Scope>
}

/** Carries a `DbError` through a channel typed `SqlError`. */
const carry = (error: DbError): SqlError =>
  new SqlError({ reason: new UnknownError({ cause: error, message: error.message, operation: error.operation }) })

/** The `DbError` that `carry` packed; other errors are the caller's own and pass unchanged. */
export type Uncarried<E> = DbError | Exclude<E, SqlError>

export const uncarry = <E>(error: E): Uncarried<E> =>
  isSqlError(error)
    ? fromCause(error, "ServerError", "transaction", { server: "Refused", socket: "Unknown" })
    // What is not a `SqlError` is in `Exclude<E, SqlError>` by definition.
    : error as Exclude<E, SqlError>

/** The connection and savepoint depth of the transaction that a fibre is in. */
const Current = Context.Service<readonly [connection: WireConnection, depth: number]>(
  "@ems/db-core/driver/Statements/Current"
)

const control = (connection: WireConnection, sql: string): Effect.Effect<void, SqlError> =>
  Effect.mapError(Effect.asVoid(connection.execute("raw", sql, [])), carry)

/** On a lost connection nothing is left to undo, and trying would turn the caller's error into a defect. */
const undo = (connection: WireConnection, sql: string): Effect.Effect<void, SqlError> =>
  connection.session.isLost ? Effect.void : control(connection, sql)

/** COMMIT answered ROLLBACK is a failed transaction that the server reports as a success. */
const commit = (connection: WireConnection): Effect.Effect<void, SqlError> =>
  Effect.flatMap(
    Effect.mapError(connection.execute("raw", "COMMIT", []), carry),
    (result) =>
      result.command === "ROLLBACK"
        ? Effect.fail(carry(DbError.of("CommitRolledBack", "RolledBack", "commit", {
          message: "the transaction had failed, so COMMIT rolled it back"
        })))
        : Effect.void
  )

export const make = (lanes: Lanes, hooks: StatementHooks, clock: Clock): Statements => {
  const sharing = new WeakMap<Session, WireConnection>()
  const sharedConnection = (session: Session): WireConnection => {
    let connection = sharing.get(session)
    if (connection === undefined) {
      connection = new WireConnection(session, session.connection, "shared", hooks, clock)
      sharing.set(session, connection)
    }
    return connection
  }

  const lease: Statements["lease"] = Effect.flatMap(
    lanes.lease,
    (session) =>
      Effect.map(session.connection.pin, (wire) => new WireConnection(session, wire, "exclusive", hooks, clock))
  )

  const execute: Statements["execute"] = (mode, sql, params) =>
    Effect.withFiber((fiber) => {
      const transaction = Context.getOrUndefined(fiber.context, Current)
      if (transaction !== undefined) return transaction[0].execute(mode, sql, params)
      const choice = fiber.getRef(LaneChoice)
      return (choice === "auto" ? laneOf(sql) : choice) === "shared"
        ? lanes.shared((session) => sharedConnection(session).execute(mode, sql, params))
        : Effect.scoped(Effect.flatMap(lease, (connection) => connection.execute(mode, sql, params)))
    })

  const transaction = SqlClient.makeWithTransaction({
    transactionService: Current,
    spanAttributes: [["db.system.name", "postgresql"]],
    acquireConnection: (restore) => restore(Effect.mapError(lease, carry)),
    begin: (connection, statement) => control(connection, statement ?? "BEGIN"),
    savepoint: (connection, depth) => control(connection, `SAVEPOINT ems_${depth}`),
    releaseSavepoint: (connection, depth) => undo(connection, `RELEASE SAVEPOINT ems_${depth}`),
    commit,
    rollback: (connection) => undo(connection, "ROLLBACK"),
    rollbackSavepoint: (connection, depth) => undo(connection, `ROLLBACK TO SAVEPOINT ems_${depth}`)
  })

  return {
    execute,
    transaction,
    lease,
    current: Effect.withFiber((fiber) => Effect.succeed(Context.getOrUndefined(fiber.context, Current)?.[0]))
  }
}
