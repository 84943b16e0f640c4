/**
 * The wire client's connection in the shape that SQL builders call, with every error turned into a `DbError` and
 * every outcome told to the hooks. Errors travel inside a `SqlError`, because that is the type builders pass on.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { DbError, type Fate } from "../errors/DbError.ts"
import { fromCause, fromServerFields } from "../errors/ServerError.ts"
import type { Session } from "./Session.ts"
import type { Lane, StatementHooks } from "./StatementHooks.ts"

/** Carries a `DbError` through a channel typed `SqlError`; `fromCause` finds it again. */
export const carry = (error: DbError): SqlError =>
  new SqlError({ reason: new UnknownError({ cause: error, message: error.message, operation: error.operation }) })

/** What the wire client reports, as a `DbError` with the fate that the evidence allows. */
const wireError = (error: SqlError, session: Session, sql: string, begun: boolean): DbError => {
  if (/Failed to encode/.test(error.reason.message)) {
    return DbError.of("InvalidData", "NotSent", "query", { message: "a parameter could not be encoded for its type" })
  }
  const isCommit = /^\s*commit\b/i.test(sql)
  // Until COMMIT is written, losing the connection ends the transaction; a lone statement may have committed.
  const lost: Fate = begun && !isCommit ? "RolledBack" : "Unknown"
  if (session.lastWords !== undefined) return fromServerFields(session.lastWords, lost, isCommit ? "commit" : "query")
  return fromCause(error, isCommit ? "CommitUnknown" : "ConnectionLost", isCommit ? "commit" : "query", {
    server: "Refused",
    socket: lost
  })
}

const rowsOf = (result: PgConnection.Result | ReadonlyArray<unknown>): number =>
  "rowCount" in result ? result.rowCount : result.length

export class WireConnection implements Connection {
  readonly session: Session
  private readonly wire: PgConnection.PgConnection
  private readonly lane: Lane
  private readonly hooks: StatementHooks
  private readonly clock: Clock

  /** `wire` is the session's own connection on the shared lane, its pinned view on the exclusive one. */
  constructor(
    session: Session,
    wire: PgConnection.PgConnection,
    lane: Lane,
    hooks: StatementHooks,
    clock: Clock
  ) {
    this.session = session
    this.wire = wire
    this.lane = lane
    this.hooks = hooks
    this.clock = clock
  }

  private observe<A extends PgConnection.Result | ReadonlyArray<unknown>>(
    sql: string,
    run: Effect.Effect<A, SqlError>
  ): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      const started = this.clock.currentTimeNanosUnsafe()
      const begun = this.session.status === "T" || this.session.status === "E"
      const told = (rows: number, error: DbError | undefined) =>
        this.hooks.outcome({
          sql,
          lane: this.lane,
          durationMs: Number(this.clock.currentTimeNanosUnsafe() - started) / 1e6,
          rows,
          error
        })
      return Effect.matchEffect(run, {
        onSuccess: (result) => {
          const after = told(rowsOf(result), undefined)
          return after === undefined ? Effect.succeed(result) : Effect.as(after, result)
        },
        onFailure: (error) => {
          const failure = wireError(error, this.session, sql, begun)
          const after = told(0, failure)
          return after === undefined
            ? Effect.fail(carry(failure))
            : Effect.andThen(after, Effect.fail(carry(failure)))
        }
      })
    })
  }

  private rows(sql: string, params: ReadonlyArray<unknown>, prepare: boolean) {
    return Effect.map(this.observe(sql, this.wire.query(sql, params, prepare)), (result) => result.rows)
  }

  execute(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  ) {
    return transformRows === undefined
      ? this.rows(sql, params, true)
      : Effect.map(this.rows(sql, params, true), transformRows)
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>) {
    return this.observe(sql, this.wire.query(sql, params))
  }

  executeWithoutTransform(sql: string, params: ReadonlyArray<unknown>) {
    return this.rows(sql, params, true)
  }

  executeValues(sql: string, params: ReadonlyArray<unknown>) {
    return this.observe(sql, this.wire.queryValues(sql, params))
  }

  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.observe(sql, this.wire.queryValues(sql, params, false))
  }

  executeUnprepared(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  ) {
    return transformRows === undefined
      ? this.rows(sql, params, false)
      : Effect.map(this.rows(sql, params, false), transformRows)
  }

  executeStream(
    sql: string,
    params: ReadonlyArray<unknown>
  ) {
    return Stream.mapError(this.wire.stream(sql, params), (error) => carry(wireError(error, this.session, sql, false)))
  }
}
