/**
 * When Postgres would refuse writes because transaction or multixact ids ran out, if nothing were vacuumed until then.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { askedMs, instantAfter, rateColumns, rateNotes, ratesOf, type SampledRate } from "./SampledRates.ts"
import { stopAt, type TransactionIdHeadroom, transactionIdHeadroom } from "./transactionIdHeadroom.ts"

/** `samples`, `observedMs` and `unknown` are those of transaction ids. */
export interface WraparoundForecast extends TransactionIdHeadroom, SampledRate {
  /** By all databases of the server; null when unknown. */
  readonly xidsPerDay: number | null
  readonly multixactsPerDay: number | null
  /** When it was asked: milliseconds since the epoch, by the database's clock. */
  readonly askedMs: number
  /** Null when the rates are unknown or 0. */
  readonly stopsInMs: number | null
  /** ISO instant; null also after the year 9999. */
  readonly stopsAt: string | null
}

const until = (age: number, perDay: number | null): ReadonlyArray<number> =>
  perDay === null || perDay === 0 ? [] : [Math.max(stopAt - age, 0) / perDay * 86_400_000]

export const wraparoundForecast: CatalogQuery<WraparoundForecast> = {
  name: "wraparound-forecast",
  notes: rateNotes,
  sql: (server) => `
with xid as materialized ${ratesOf(server, "xid", "value")},
multixact as materialized ${ratesOf(server, "multixact", "value")}
select q.*, x.per_day as "xidsPerDay", m.per_day as "multixactsPerDay", ${rateColumns(server, "x")},
  ${askedMs} as "askedMs", null as "stopsInMs", null as "stopsAt"
from (${transactionIdHeadroom.sql(server)}) q
left join xid x on true
left join multixact m on true
order by greatest(q."xidAge", q."multixactAge") desc, q.kind, q.schema, q.name`,
  shown: (row) => {
    const ends = [...until(row.xidAge, row.xidsPerDay), ...until(row.multixactAge, row.multixactsPerDay)]
    const stopsInMs = ends.length === 0 ? null : Math.min(...ends)
    return { ...row, stopsInMs, stopsAt: instantAfter(row.askedMs, stopsInMs) }
  }
}
