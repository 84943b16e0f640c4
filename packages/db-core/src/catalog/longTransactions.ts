/**
 * Open transactions of clients, oldest first. One keeps its locks, and VACUUM from removing what became dead since.
 *
 * The age is the transaction's, whatever it does now: one that works a little every minute holds as much back as one
 * that has been idle all the time.
 */
import { activityText, sessionNotes, withoutValues } from "./ActivityText.ts"
import { type CatalogQuery, needsSessions } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { elapsedMs, inWords, minutes } from "./Elapsed.ts"
import { manual } from "./Finding.ts"

export interface LongTransaction {
  readonly pid: number
  readonly database: string | null
  readonly user: string | null
  readonly application: string
  readonly state: string | null
  readonly transactionMs: number
  readonly stateMs: number | null
  /** It has written, or locked a row. */
  readonly hasWritten: boolean
  /** Transactions begun since its snapshot: rows that died in them stay. Null while it holds none. */
  readonly snapshotAge: number | null
  readonly query: string | null
}

export const longTransactions: CatalogQuery<LongTransaction> = {
  name: "long-transactions",
  unavailable: needsSessions,
  notes: sessionNotes,
  sql: () => `
select a.pid, a.datname::text as database, a.usename::text as "user", coalesce(a.application_name, '') as application,
  a.state, ${elapsedMs("a.xact_start")} as "transactionMs", ${elapsedMs("a.state_change")} as "stateMs",
  a.backend_xid is not null as "hasWritten", age(a.backend_xmin)::float8 as "snapshotAge",
  ${activityText("a")} as query
from pg_stat_activity a
where a.backend_type = 'client backend' and a.xact_start is not null and a.pid <> pg_backend_pid()
order by a.xact_start, a.pid`,
  shown: withoutValues
}

const source = "pganalyze, checks \"Idle transactions\" and \"Active queries\""

export const longTransactionCheck = checkOf({
  name: "long-transaction",
  title: "Transactions that stay open",
  query: longTransactions,
  thresholds: {
    idleWarn: { value: minutes(30), unit: "ms", source },
    idleError: { value: minutes(60), unit: "ms", source },
    activeWarn: { value: minutes(30), unit: "ms", source },
    activeError: { value: minutes(60), unit: "ms", source }
  },
  judge: (rows, { limit }) =>
    rows.flatMap((row) => {
      const { pid, state, transactionMs } = row
      const isIdle = state?.startsWith("idle") === true
      if (transactionMs < limit(isIdle ? "idleWarn" : "activeWarn")) return []
      return [{
        severity: transactionMs >= limit(isIdle ? "idleError" : "activeError") ? "error" : "warn",
        object: { kind: "session", name: String(pid) },
        summary: `session ${pid} has a transaction open for ${inWords(transactionMs)}${isIdle ? ", and is idle" : ""}`,
        evidence: {
          transactionMs,
          stateMs: row.stateMs,
          state,
          user: row.user,
          database: row.database,
          application: row.application,
          hasWritten: row.hasWritten,
          snapshotAge: row.snapshotAge,
          query: row.query
        },
        impact: "Its locks stay, and VACUUM cannot remove rows that died since it began",
        // Cancelling ends a statement: who is idle has none.
        remediation: isIdle ? `select pg_terminate_backend(${pid});` : `select pg_cancel_backend(${pid});`,
        documentation: manual("runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT")
      }]
    })
})
