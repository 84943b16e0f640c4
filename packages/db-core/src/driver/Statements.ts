/**
 * What Drizzle's sessions run on. Implemented in `connection/Executor.ts`, which knows lanes, retries and transactions;
 * every statement of every API passes there once.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { DbError } from "../errors/DbError.ts"
import type { Session } from "./Session.ts"
import type { Mode, WireConnection } from "./WireConnection.ts"

/** Where connections come from. Implemented by the pool. */
export interface Lanes {
  /** Lends a session that other callers read on at the same time. Waits for it until `until` at the latest. */
  readonly shared: <A, E>(
    use: (session: Session) => Effect.Effect<A, E>,
    until?: number
  ) => Effect.Effect<A, E | DbError>
  /** Leases a session alone until the scope closes. */
  readonly lease: Effect.Effect<Session, DbError, Scope.Scope>
}

/** Rows, or with mode `raw` the wire client's result. */
export type Found = PgConnection.Result | ReadonlyArray<unknown>

export interface Statements {
  /** In the transaction of the calling fibre if there is one, else on the lane that fits the statement. */
  readonly execute: (mode: Mode, sql: string, params: ReadonlyArray<unknown>) => Effect.Effect<Found, DbError>
  /** Runs `body` in a transaction, or in a savepoint of the one that the calling fibre is in. */
  readonly transaction: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DbError, R>
  /** The connection of the transaction that `fiber` is in. */
  readonly current: (fiber: Fiber.Fiber<unknown, unknown>) => WireConnection | undefined
  /** A connection alone until the scope closes. */
  readonly lease: Effect.Effect<WireConnection, DbError, Scope.Scope>
  /** The same for questions of our own, which no hook hears of. */
  readonly quiet: Effect.Effect<WireConnection, DbError, Scope.Scope>
}
