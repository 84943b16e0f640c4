/**
 * Finds out what became of a transaction whose COMMIT was not answered.
 *
 * Losing COMMIT on the way and losing its answer look the same to a client. The server knows: `pg_xact_status` of the
 * transaction's xid, read just before COMMIT. The answer of another server would be wrong, and so would be that of the
 * same one after a crash: in both the same xid may be another transaction's. So it only counts from the same cluster on
 * the same timeline with the same statistics, which a crash resets and a clean restart keeps.
 *
 * Source: PostgreSQL documentation, 9.28 "Transaction ID and Snapshot Information Functions".
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { CurrentBudget, hold } from "../driver/Budget.ts"
import type { ServerIdentity } from "../driver/Session.ts"
import type { Statements } from "../driver/Statements.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import { DbError } from "../errors/DbError.ts"

/** Asked for this long, a backend that still holds the xid is ended: its client is gone, and it must not commit later. */
const patience = 10

/** What has to be known before COMMIT is sent. */
export interface Marker {
  /** `xid8` as text; `undefined` when the transaction wrote nothing. */
  readonly xid: string | undefined
  readonly identity: ServerIdentity
}

const identityColumns = `
  (select system_identifier from pg_control_system())::text as "systemIdentifier",
  left(pg_walfile_name(pg_current_wal_lsn()), 8) as "timeline",
  (select extract(epoch from stats_reset) from pg_stat_wal)::text as "statisticsSince",
  pg_backend_pid() as "pid"`

/** One round trip; the identity is asked once in the life of a connection. Fails when the connection is lost. */
export const mark = (connection: WireConnection): Effect.Effect<Marker, DbError> => {
  const known = connection.session.identity
  return Effect.flatMap(
    connection.execute(
      "raw",
      `select pg_current_xact_id_if_assigned()::text as xid${known === undefined ? `,${identityColumns}` : ""}`,
      []
    ),
    ({ rows: [row] }) => {
      const identity = known ?? {
        systemIdentifier: String(row?.["systemIdentifier"]),
        timeline: String(row?.["timeline"]),
        statisticsSince: String(row?.["statisticsSince"]),
        pid: Number(row?.["pid"])
      }
      connection.session.identity = identity
      if (!connection.session.accepts(identity)) {
        connection.session.isSuperseded = true
        return DbError.of("NotPrimary", "RolledBack", "commit", {
          message: "the server was replaced by another one, and must not be written to"
        })
      }
      const xid = row?.["xid"]
      return Effect.succeed({ xid: typeof xid === "string" ? xid : undefined, identity })
    }
  )
}

/** `pg_xact_status` on the same server, else nothing. */
const statusSql = `
select case when (select system_identifier from pg_control_system())::text = $2
             and left(pg_walfile_name(pg_current_wal_lsn()), 8) = $3
             and (select extract(epoch from stats_reset) from pg_stat_wal)::text = $4
            then pg_xact_status($1::xid8) end as status`

/** Exactly the backend that holds the xid, and no other that has its process id by now. */
const terminateSql = `
select pg_terminate_backend(pid) from pg_stat_activity
where pid = $2 and backend_xid = ($1::xid8)::xid`

const inProgress = DbError.of("CommitUnknown", "Unknown", "commit", { message: "the transaction is still in progress" })

/**
 * `committed` or `aborted`, or `undefined` when it cannot be known. Asks for `within` milliseconds: a backend that still
 * runs the COMMIT, or a server that restarts, needs a while. Never fails.
 */
export const resolve = (
  statements: Pick<Statements, "lease">,
  { identity, xid }: Marker & { readonly xid: string },
  within: number
): Effect.Effect<"committed" | "aborted" | undefined> => {
  let asked = 0
  const ask = Effect.gen(function*() {
    const connection = yield* statements.lease
    // Who gives up asking does not wait for the answer.
    yield* Effect.acquireRelease(
      Effect.map(CurrentBudget, (budget) => hold(budget, connection.session)),
      (release) => Effect.sync(release)
    )
    const { rows: [row] } = yield* connection.execute("raw", statusSql, [
      xid,
      identity.systemIdentifier,
      identity.timeline,
      identity.statisticsSince
    ])
    const status = row?.["status"]
    if (status !== "in progress") return status === "committed" || status === "aborted" ? status : undefined
    if (++asked >= patience) yield* connection.execute("raw", terminateSql, [xid, identity.pid])
    return yield* inProgress
  }).pipe(Effect.scoped)
  return ask.pipe(
    // 22023: the xid lies in the future of this server, which is therefore another one.
    Effect.catchIf((error) => error.reason.sqlState === "22023", () => Effect.undefined),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeoutOption(within),
    Effect.map((found) => found._tag === "Some" ? found.value : undefined),
    Effect.catch(() => Effect.undefined),
    // The caller commits uninterruptibly, which would keep the time limit from being heard.
    Effect.interruptible
  )
}
