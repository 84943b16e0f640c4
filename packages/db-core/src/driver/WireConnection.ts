/**
 * Runs statements on one connection: every error becomes a `DbError`, every outcome is told to the hooks.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { DbError, type Fate } from "../errors/DbError.ts"
import { fromCause, fromServerFields } from "../errors/ServerError.ts"
import type { Session } from "./Session.ts"
import type { Lane, StatementHooks } from "./StatementHooks.ts"

/** In which shape rows come: by position, by name, or with the command's tag and the column types. */
export type Mode = "arrays" | "objects" | "raw"

const isCommit = (sql: string): boolean => /^\s*commit\b/i.test(sql)

/** What the wire client reports, as a `DbError` with the fate that the evidence allows. */
const wireError = (error: SqlError, session: Session, sql: string, begun: boolean): DbError => {
  if (/Failed to encode/.test(error.reason.message)) {
    return DbError.of("InvalidData", "NotSent", "query", { message: "a parameter could not be encoded for its type" })
  }
  const commits = isCommit(sql)
  // Until COMMIT is written, losing the connection ends the transaction; a lone statement may have committed.
  const lost: Fate = begun && !commits ? "RolledBack" : "Unknown"
  if (session.lastWords !== undefined) return fromServerFields(session.lastWords, lost, commits ? "commit" : "query")
  return fromCause(error, commits ? "CommitUnknown" : "ConnectionLost", commits ? "commit" : "query", {
    server: "Refused",
    socket: lost
  })
}

export class WireConnection {
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

  /** Runs one statement. `prepare` false keeps it out of the connection's prepared statements. */
  execute(mode: "arrays", sql: string, params: ReadonlyArray<unknown>, prepare?: boolean): Effect.Effect<
    ReadonlyArray<ReadonlyArray<unknown>>,
    DbError
  >
  execute(mode: "raw", sql: string, params: ReadonlyArray<unknown>, prepare?: boolean): Effect.Effect<
    PgConnection.Result,
    DbError
  >
  execute(mode: Mode, sql: string, params: ReadonlyArray<unknown>, prepare?: boolean): Effect.Effect<
    PgConnection.Result | ReadonlyArray<unknown>,
    DbError
  >
  execute(mode: Mode, sql: string, params: ReadonlyArray<unknown>, prepare = true): Effect.Effect<
    PgConnection.Result | ReadonlyArray<unknown>,
    DbError
  > {
    return Effect.suspend(() => {
      const { session } = this
      const started = this.clock.currentTimeNanosUnsafe()
      const begun = session.status === "T" || session.status === "E"
      const told = (rows: number, error: DbError | undefined) =>
        this.hooks.outcome({
          sql,
          lane: this.lane,
          durationMs: Number(this.clock.currentTimeNanosUnsafe() - started) / 1e6,
          rows,
          error
        })
      const run: Effect.Effect<PgConnection.Result | ReadonlyArray<unknown>, SqlError> = mode === "arrays"
        ? this.wire.queryValues(sql, params, prepare)
        : this.wire.query(sql, params, prepare)
      return Effect.matchEffect(run, {
        onSuccess: (found) => {
          const after = told("rowCount" in found ? found.rowCount : found.length, undefined)
          const result = mode === "objects" && "rows" in found ? found.rows : found
          return after === undefined ? Effect.succeed(result) : Effect.as(after, result)
        },
        onFailure: (error) => {
          const failure = wireError(error, session, sql, begun)
          const after = told(0, failure)
          return after === undefined ? Effect.fail(failure) : Effect.andThen(after, Effect.fail(failure))
        }
      })
    })
  }
}
