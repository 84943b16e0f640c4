/**
 * Ends a statement or a session of somebody's: `pg_cancel_backend`, `pg_terminate_backend`.
 *
 * Client sessions of this database only, and autovacuum workers, whose work may be cancelled: Postgres begins it again.
 * The signal is sent by the statement that looks once more whether the process is still the same session (and for
 * a cancel, whether it is still at the same statement): numbers of processes are given out again.
 */
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { quoted } from "../catalog/Identifier.ts"
import { isoInstant } from "../catalog/ServerFacts.ts"
import { Database } from "../connection/Database.ts"
import { Pool } from "../connection/Pool.ts"
import { Driver } from "../driver/Driver.ts"
import { DbError } from "../errors/DbError.ts"
import { SessionSignalError, type SessionSignalReason } from "./SessionSignalError.ts"

export interface SignalRequest {
  readonly action: "cancel" | "terminate"
  /** As in `pg_stat_activity`, 1 to 2^31 - 1. */
  readonly pid: number
  /** When the session began, an ISO instant with milliseconds: another session of this number is left alone. */
  readonly backendStart?: string | undefined
}

export interface Signalled {
  readonly pid: number
  readonly action: SignalRequest["action"]
  readonly user: string | null
  readonly application: string
  /** What it did when it was signalled: `active`, `idle in transaction`, … */
  readonly state: string | null
  /** An ISO instant. */
  readonly backendStart: string
  /** The statement, or the session, was over when we looked last: 2 s after the signal at the latest. */
  readonly isOver: boolean
  readonly waitedMs: number
}

/** How long we look whether it is over, and how often. Milliseconds. */
const watchTimeout = 2000
const watchInterval = 50

interface SessionRow {
  readonly kind: string | null
  readonly database: string | null
  readonly isHere: boolean
  readonly user: string | null
  readonly isSuperuser: boolean
  readonly application: string
  readonly state: string | null
  readonly backendStart: string | null
  /** Seconds since the epoch, of all the digits that there are. */
  readonly startedAt: string | null
  readonly statementAt: string | null
  readonly preventsWraparound: boolean | null
  readonly isSender: boolean
  readonly role: string
  readonly version: number
}

const look = (pid: number) =>
  Database.use((database) =>
    database.query((db) =>
      db.execute<SessionRow & Record<string, unknown>>(sql`
select a.backend_type as kind, a.datname::text as database, coalesce(a.datname = current_database(), false) as "isHere",
  a.usename::text as "user", coalesce(r.rolsuper, false) as "isSuperuser",
  coalesce(a.application_name, '') as application, a.state, ${sql.raw(isoInstant("a.backend_start"))} as "backendStart",
  extract(epoch from a.backend_start)::text as "startedAt", extract(epoch from a.query_start)::text as "statementAt",
  case when a.backend_type is not null then a.query like '%(to prevent wraparound)' end as "preventsWraparound",
  exists (select from pg_stat_replication s where s.pid = a.pid) as "isSender",
  current_user::text as role, current_setting('server_version_num')::int4 as version
from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid
where a.pid = ${String(pid)}::text::int4`)
    )
  ).pipe(Effect.map(({ rows: [row] }) => row))

const notAClient = (kind: string, because: string): SessionSignalReason => ({ _tag: "NotAClient", kind, because })

/** Why it is left alone, if there is a reason. */
const objection = ({ action, backendStart }: SignalRequest, row: SessionRow): SessionSignalReason | undefined => {
  const { kind } = row
  if (row.isSender || kind === "walsender") {
    return notAClient("walsender", "a standby or a subscriber would lose its connection")
  }
  if (kind === null || row.backendStart === null) {
    // Of others' sessions such a role is not told what they are: it could be a replication worker.
    return { _tag: "NotPermitted", remedy: `GRANT pg_read_all_stats TO ${quoted(row.role)}` }
  }
  if (backendStart !== undefined && backendStart !== row.backendStart) {
    return { _tag: "AnotherSession", backendStart: row.backendStart }
  }
  const isVacuum = kind === "autovacuum worker"
  if (kind !== "client backend" && !isVacuum) return notAClient(kind, "the server's own processes are left alone")
  if (!row.isHere) return { _tag: "AnotherDatabase", database: row.database }
  if (isVacuum && action === "terminate") return notAClient(kind, "its work can be cancelled, not terminated")
  if (isVacuum && row.preventsWraparound !== false) {
    return notAClient(kind, "it prevents the wraparound of transaction ids, and would have to begin again")
  }
  return action === "cancel" && row.state !== null && row.state !== "active" && row.state !== "disabled"
      && row.state !== "fastpath function call"
    ? { _tag: "NotActive", state: row.state }
    : undefined
}

const remedyOf = ({ isSuperuser, kind, role, version }: SessionRow): string => {
  if (isSuperuser) return "only a superuser may signal the sessions of a superuser"
  if (kind !== "autovacuum worker") return `GRANT pg_signal_backend TO ${quoted(role)}`
  return version >= 180_000
    ? `GRANT pg_signal_autovacuum_worker TO ${quoted(role)}`
    : "only a superuser may signal an autovacuum worker before Postgres 18"
}

const send = (
  { action, pid }: SignalRequest,
  row: SessionRow
): Effect.Effect<boolean, DbError | SessionSignalError, Database> =>
  Database.use((database) =>
    database.query((db) =>
      db.execute<{ sent: boolean }>(
        action === "cancel"
          ? sql`
select pg_cancel_backend(a.pid) as sent from pg_stat_activity a where a.pid = ${String(pid)}::text::int4
  and extract(epoch from a.backend_start)::text = ${row.startedAt}::text
  and extract(epoch from a.query_start)::text is not distinct from ${row.statementAt}::text`
          : sql`
select pg_terminate_backend(a.pid) as sent from pg_stat_activity a where a.pid = ${String(pid)}::text::int4
  and extract(epoch from a.backend_start)::text = ${row.startedAt}::text`
      )
    )
  ).pipe(
    Effect.map(({ rows: [found] }) => found?.sent === true),
    Effect.catchIf(
      ({ reason }) => reason._tag === "InsufficientPrivilege",
      () => Effect.fail(SessionSignalError.of(pid, { _tag: "NotPermitted", remedy: remedyOf(row) }))
    )
  )

/** Whether what was signalled is over: the statement, or the session. */
const isOver = ({ action, pid }: SignalRequest, signalled: SessionRow): Effect.Effect<boolean, DbError, Database> =>
  Effect.map(look(pid), (row) =>
    row === undefined || row.startedAt !== signalled.startedAt ||
    (action === "cancel" && (row.state !== "active" || row.statementAt !== signalled.statementAt)))

/**
 * Sends the signal, and looks for at most 2 s whether it did what it should. Fails with a `SessionSignalError` for
 * what is not signalled, with `Unsupported` where the backend has one session.
 */
export const signal = Effect.fn("SessionSignals.signal")(function*(request: SignalRequest) {
  const { action, pid } = request
  const { capabilities } = yield* Driver
  if (!capabilities.cancel) {
    return yield* DbError.of("Unsupported", "NotSent", "signal", { message: "this database has one session" })
  }
  const refuse = (reason: SessionSignalReason) => SessionSignalError.of(pid, reason)
  const row = yield* look(pid)
  if (row === undefined) return yield* refuse({ _tag: "UnknownSession" })
  const own = yield* Pool.use((pool) => pool.pids)
  if (own.has(pid)) return yield* refuse({ _tag: "OwnSession" })
  const reason = objection(request, row)
  if (reason !== undefined) return yield* refuse(reason)
  const startedAt = yield* Clock.currentTimeMillis
  if (!(yield* send(request, row))) {
    // It ended by itself since we looked.
    return yield* refuse(action === "cancel" ? { _tag: "NotActive", state: "over" } : { _tag: "UnknownSession" })
  }
  let over = false
  let waitedMs = 0
  // The signal was sent: what cannot be seen now does not make it undone.
  const watched = Effect.orElseSucceed(isOver(request, row), () => false)
  while (!(over = yield* watched) && waitedMs < watchTimeout) {
    yield* Effect.sleep(watchInterval)
    waitedMs = (yield* Clock.currentTimeMillis) - startedAt
  }
  return {
    pid,
    action,
    user: row.user,
    application: row.application,
    state: row.state,
    backendStart: row.backendStart ?? "",
    isOver: over,
    waitedMs
  } satisfies Signalled
})
