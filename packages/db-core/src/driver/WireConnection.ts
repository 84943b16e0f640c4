/**
 * Runs statements on one connection: every error becomes a `DbError`, every outcome is told to the hooks.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { SqlError } from "effect/sql/SqlError"
import { DbError, type Fate, isDbError } from "../errors/DbError.ts"
import { fromCause, fromServerFields } from "../errors/ServerError.ts"
import type { Alarms, Expiry } from "./Budget.ts"
import { release } from "./Release.ts"
import type { Session } from "./Session.ts"
import type { Lane, StatementHooksShape } from "./StatementHooks.ts"

/** In which shape rows come: by position, by name, or with the command's tag and the column types. */
export type Mode = "arrays" | "objects" | "raw"

/** The wire client's result: command tag, rows by name, columns. */
export type WireResult = PgConnection.Result

/** What was true when a statement began; what is true when it failed is compared with it. */
interface Begun {
  readonly inTransaction: boolean
  readonly bytesWritten: number
}

/** Of a statement on a shared connection: the bytes may be somebody else's, and there is no transaction. */
const together: Begun = { inTransaction: false, bytesWritten: -1 }

/** INSERT on a standby, and BEGIN READ WRITE. */
const refusedByStandby: ReadonlySet<string> = new Set(["25006", "0A000"])

/** What the wire client reports, as a `DbError` with the fate that the evidence allows. */
const wireError = (error: SqlError, session: Session, begun: Begun): DbError => {
  if (/Failed to encode/.test(error.reason.message)) {
    return DbError.of("InvalidData", "NotSent", "query", { message: "a parameter could not be encoded for its type" })
  }
  const isUnsent = session.bytesWritten === begun.bytesWritten
  // Losing the connection ends the transaction (whoever sends COMMIT looks further); a lone statement may have run.
  const lost: Fate = begun.inTransaction ? "RolledBack" : isUnsent ? "NotSent" : "Unknown"
  if (session.lastWords !== undefined) return fromServerFields(session.lastWords, lost, "query")
  const known = fromCause(error, "ConnectionLost", "query", { server: "Refused", socket: lost })
  if (!session.isStandby || !refusedByStandby.has(known.reason.sqlState ?? "")) return known
  session.isSuperseded = true
  return DbError.of("NotPrimary", known.fate, known.operation, known.reason)
}

/** Of a statement on a shared connection. */
class Deadline implements Expiry {
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly session: Session
  private readonly alarms: Alarms
  private readonly heard: number

  constructor(fiber: Fiber.Fiber<unknown, unknown>, session: Session, alarms: Alarms) {
    this.fiber = fiber
    this.session = session
    this.alarms = alarms
    this.heard = session.heard
  }

  expire(): void {
    const late = DbError.of("DeadlineExceeded", "Unknown", "query", { message: "no answer in time" })
    if (release(this.fiber, late)) this.alarms.suspect(this.session, this.heard)
  }
}

export class WireConnection {
  readonly session: Session
  private readonly wire: PgConnection.PgConnection
  private readonly lane: Lane
  private readonly hooks: StatementHooksShape
  private readonly clock: Clock
  private readonly alarms: Alarms

  /** `wire` is the session's own connection on the shared lane, its pinned view on the exclusive one. */
  constructor(
    session: Session,
    wire: PgConnection.PgConnection,
    lane: Lane,
    hooks: StatementHooksShape,
    clock: Clock,
    alarms: Alarms
  ) {
    this.session = session
    this.wire = wire
    this.lane = lane
    this.hooks = hooks
    this.clock = clock
    this.alarms = alarms
  }

  /**
   * Runs one statement. `prepare` false keeps it out of the connection's prepared statements. With `until`,
   * for statements on a shared connection, the caller is back by then, and the statement goes on without it.
   */
  execute(
    mode: "arrays",
    sql: string,
    params: ReadonlyArray<unknown>,
    prepare?: boolean,
    until?: number
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, DbError>
  execute(
    mode: "raw",
    sql: string,
    params: ReadonlyArray<unknown>,
    prepare?: boolean,
    until?: number
  ): Effect.Effect<WireResult, DbError>
  execute(
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    prepare?: boolean,
    until?: number
  ): Effect.Effect<WireResult | ReadonlyArray<unknown>, DbError>
  execute(
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    prepare = true,
    until?: number
  ): Effect.Effect<WireResult | ReadonlyArray<unknown>, DbError> {
    return Effect.withFiber((fiber) => {
      const { session } = this
      const { clock, hooks } = this
      // Nanoseconds are bigints, which are dear: only for those who look that closely.
      const started = hooks.isPrecise ? Number(clock.currentTimeNanosUnsafe()) / 1e6 : clock.currentTimeMillisUnsafe()
      const begun = this.lane === "shared" ? together : {
        inTransaction: session.status === "T" || session.status === "E",
        bytesWritten: session.bytesWritten
      }
      const deadline = until === undefined ? undefined : new Deadline(fiber, session, this.alarms)
      if (deadline !== undefined) this.alarms.set(until!, deadline)
      const told = (rows: number, error: DbError | undefined) => {
        if (deadline !== undefined) this.alarms.clear(until!, deadline)
        const ended = hooks.isPrecise ? Number(clock.currentTimeNanosUnsafe()) / 1e6 : clock.currentTimeMillisUnsafe()
        return hooks.outcome({ sql, params, lane: this.lane, fiber, durationMs: ended - started, rows, error })
      }
      const run: Effect.Effect<WireResult | ReadonlyArray<unknown>, SqlError | DbError> = mode === "arrays"
        ? this.wire.queryValues(sql, params, prepare)
        : this.wire.query(sql, params, prepare)
      return Effect.matchEffect(run, {
        onSuccess: (found) => {
          const after = told("rowCount" in found ? found.rowCount : found.length, undefined)
          const result = mode === "objects" && "rows" in found ? found.rows : found
          return after === undefined ? Effect.succeed(result) : Effect.as(after, result)
        },
        onFailure: (error) => {
          const failure = isDbError(error) ? error : wireError(error, session, begun)
          const after = told(0, failure)
          return after === undefined ? Effect.fail(failure) : Effect.andThen(after, Effect.fail(failure))
        }
      })
    })
  }

  /** The rows of one statement that is not kept prepared. What its columns are only its text says: `Row` is that. */
  rows<Row>(
    sql: string,
    params: ReadonlyArray<unknown> = [],
    until?: number
  ): Effect.Effect<ReadonlyArray<Row>, DbError> {
    return Effect.map(
      this.execute("raw", sql, params, false, until),
      ({ rows }) => rows as ReadonlyArray<unknown> as ReadonlyArray<Row>
    )
  }
}
