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

/** The wire client's result: command tag, rows by name, columns. */
export type WireResult = PgConnection.Result

/** What was true when a statement began; what is true when it failed is compared with it. */
interface Begun {
  readonly inTransaction: boolean
  readonly bytesWritten: number
}

/** What the wire client reports, as a `DbError` with the fate that the evidence allows. */
const wireError = (error: SqlError, session: Session, lane: Lane, begun: Begun): DbError => {
  if (/Failed to encode/.test(error.reason.message)) {
    return DbError.of("InvalidData", "NotSent", "query", { message: "a parameter could not be encoded for its type" })
  }
  // On a shared connection the bytes may be somebody else's.
  const isUnsent = lane === "exclusive" && session.bytesWritten === begun.bytesWritten
  // Losing the connection ends the transaction (whoever sends COMMIT looks further); a lone statement may have run.
  const lost: Fate = begun.inTransaction ? "RolledBack" : isUnsent ? "NotSent" : "Unknown"
  if (session.lastWords !== undefined) return fromServerFields(session.lastWords, lost, "query")
  return fromCause(error, "ConnectionLost", "query", { server: "Refused", socket: lost })
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
    WireResult,
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
      const begun = {
        inTransaction: session.status === "T" || session.status === "E",
        bytesWritten: session.bytesWritten
      }
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
          const failure = wireError(error, session, this.lane, begun)
          const after = told(0, failure)
          return after === undefined ? Effect.fail(failure) : Effect.andThen(after, Effect.fail(failure))
        }
      })
    })
  }
}
