/**
 * How far databases and tables are on the way to the point where Postgres refuses writes, because it would run out of
 * transaction or multixact ids: 3 million before 2^31 since the oldest row that is not frozen.
 *
 * Source: `SetTransactionIdLimit` in `varsup.c` and `SetMultiXactIdLimit` in `multixact.c`.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { type FindingObject, manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"

export interface TransactionIdHeadroom {
  readonly kind: "database" | "table"
  /** Null for a database. */
  readonly schema: string | null
  readonly name: string
  /** The oldest row is in its TOAST table. */
  readonly isToast: boolean
  readonly xidAge: number
  readonly multixactAge: number
  /** Of the way to the point where writes stop: from 0 to 1. */
  readonly xidShare: number
  readonly multixactShare: number
  /** Above it VACUUM against wraparound comes by itself. */
  readonly freezeLimit: number
}

/** Ids from the oldest one to the point where writes stop. */
export const stopAt = 2 ** 31 - 3_000_000

/** Of this database's tables the oldest ones. */
const mostTables = 50

export const transactionIdHeadroom: CatalogQuery<TransactionIdHeadroom> = {
  name: "transaction-id-headroom",
  sql: () => `
with ages as (
  select 'database' as kind, null::text as schema, d.datname::text as name, false as toast,
    age(d.datfrozenxid)::float8 as xid, mxid_age(d.datminmxid)::float8 as multixact
  from pg_database d
  union all
  (
    select 'table', n.nspname::text, m.relname::text, c.relkind = 't', age(c.relfrozenxid)::float8,
      mxid_age(c.relminmxid)::float8
    from pg_class c
    join pg_class m on m.oid = c.oid and c.relkind <> 't' or m.reltoastrelid = c.oid
    join pg_namespace n on n.oid = m.relnamespace
    -- Temporary tables too: no autovacuum comes to them, and a session that stays keeps them.
    where c.relkind in ('r', 'm', 't') and c.relfrozenxid <> '0'
    order by greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) desc, 2, 3, 4
    limit ${mostTables}
  )
)
select kind, schema, name, toast as "isToast", xid as "xidAge", multixact as "multixactAge",
  xid / ${stopAt} as "xidShare", multixact / ${stopAt} as "multixactShare",
  current_setting('autovacuum_freeze_max_age')::float8 as "freezeLimit"
from ages
order by greatest(xid, multixact) desc, kind, schema, name`
}

const source = "pganalyze, check \"Approaching transaction ID wraparound\""

export const transactionIdWraparoundCheck = checkOf({
  name: "transaction-id-wraparound",
  title: "Room until transaction ids run out",
  query: transactionIdHeadroom,
  thresholds: {
    warn: { value: 0.5, unit: "ratio", source },
    error: { value: 0.8, unit: "ratio", source }
  },
  judge: (rows, { limit }) =>
    rows.flatMap((row) => {
      const share = Math.max(row.xidShare, row.multixactShare)
      if (share < limit("warn")) return []
      const name = row.schema === null ? row.name : `${row.schema}.${row.name}`
      const ids = row.xidShare >= row.multixactShare ? "transaction ids" : "multixact ids"
      return [{
        severity: share >= limit("error") ? "error" : "warn",
        object: { kind: row.kind satisfies FindingObject["kind"], name },
        key: row.isToast ? ["toast"] : [],
        summary: `${name}${row.isToast ? " (TOAST)" : ""} is ${
          Math.floor(share * 100)
        } % of the way to where writes stop: ${ids}`,
        evidence: { xidAge: row.xidAge, multixactAge: row.multixactAge, share, stopAt },
        impact: "At 100 % the server refuses every write until the database is vacuumed",
        // A temporary one only its own session can vacuum.
        remediation: row.schema === null || row.schema.startsWith("pg_temp")
          ? null
          : `vacuum (freeze) ${qualified(row.schema, row.name)};`,
        documentation: manual("routine-vacuuming.html#VACUUM-FOR-WRAPAROUND")
      }]
    })
})
