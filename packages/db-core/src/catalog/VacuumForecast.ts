/**
 * When autovacuum will come to a table: from two looks at it, or at the rates of what was sampled.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { askedMs, instantAfter, isNamed, rateColumns, rateNotes, ratesOf, type SampledRate } from "./SampledRates.ts"
import { type VacuumDue, vacuumDue } from "./vacuumDue.ts"

/** One of the counters that make a table due. */
export interface Approach {
  readonly cause: "dead" | "inserted" | "modified" | "xid" | "multixact"
  readonly work: "vacuum" | "analyze"
  readonly perHour: number
  /** Until its limit is reached at that rate; 0 when it is, null when it does not grow. */
  readonly dueInMs: number | null
}

export interface Forecast {
  /** Those that can make it due. One whose counter began anew between the looks has no rate, and is not in it. */
  readonly approaches: ReadonlyArray<Approach>
  /** The first of them; null when none grows. With autovacuum off only those against wraparound come. */
  readonly vacuumInMs: number | null
  readonly analyzeInMs: number | null
}

const figures = (
  row: VacuumDue
): ReadonlyArray<readonly [Approach["cause"], Approach["work"], value: number, limit: number | null]> => [
  ["dead", "vacuum", row.deadRows, row.deadLimit],
  ["inserted", "vacuum", row.insertedRows, row.insertLimit],
  ["modified", "analyze", row.modifiedRows, row.analyzeLimit],
  ["xid", "vacuum", row.xidAge, row.freezeLimit],
  ["multixact", "vacuum", row.multixactAge, row.multixactLimit]
]

const soonest = (approaches: ReadonlyArray<Approach>, work: Approach["work"]): number | null =>
  approaches.reduce<number | null>(
    (first, { dueInMs, work: its }) =>
      its !== work || dueInMs === null ? first : first === null ? dueInMs : Math.min(first, dueInMs),
    null
  )

/** `before` and `after` are the same table's, `elapsedMs` apart. Nothing is known of the time between being 0. */
export const forecast = (before: VacuumDue, after: VacuumDue, elapsedMs: number): Forecast => {
  const earlier = figures(before)
  const approaches = figures(after).flatMap(([cause, work, value, limit], at): ReadonlyArray<Approach> => {
    const grown = value - earlier[at]![2]
    const isBound = after.isEnabled || cause === "xid" || cause === "multixact"
    if (limit === null || !isBound || elapsedMs <= 0) return []
    if (value > limit) return [{ cause, work, perHour: Math.max(grown, 0) / elapsedMs * 3_600_000, dueInMs: 0 }]
    // A VACUUM, an ANALYZE or a reset came between.
    if (grown < 0) return []
    return [{
      cause,
      work,
      perHour: grown / elapsedMs * 3_600_000,
      dueInMs: grown === 0 ? null : (limit - value) / grown * elapsedMs
    }]
  })
  return { approaches, vacuumInMs: soonest(approaches, "vacuum"), analyzeInMs: soonest(approaches, "analyze") }
}

/** `samples`, `observedMs` and `unknown` are those of dead rows. */
export interface VacuumForecast extends VacuumDue, SampledRate {
  /** Of the last 7 days, without the times in which a VACUUM, an ANALYZE or a reset came; null when unknown. */
  readonly deadPerHour: number | null
  readonly insertedPerHour: number | null
  readonly modifiedPerHour: number | null
  /** By all databases of the server. */
  readonly xidsPerHour: number | null
  readonly multixactsPerHour: number | null
  /** When it was asked: milliseconds since the epoch, by the database's clock. */
  readonly askedMs: number
  /** As in `Forecast`; null also when no rate is known. */
  readonly vacuumInMs: number | null
  readonly analyzeInMs: number | null
  /** ISO instants. */
  readonly vacuumAt: string | null
  readonly analyzeAt: string | null
}

/** What it was an hour ago at that rate. Of an unknown rate more than now: as one that began anew. */
const anHourBefore = (value: number, perHour: number | null): number =>
  perHour === null ? Number.POSITIVE_INFINITY : value - perHour

export const vacuumForecast: CatalogQuery<VacuumForecast> = {
  name: "vacuum-forecast",
  notes: (server) => [...vacuumDue.notes?.(server) ?? [], ...rateNotes(server)],
  sql: (server) => `
with rate as materialized (
  select object, max(per_day) filter (where figure = 'dead') / 24 as dead,
    max(per_day) filter (where figure = 'inserted') / 24 as inserted,
    max(per_day) filter (where figure = 'modified') / 24 as modified,
    max(samples) as samples, max(observed_ms) filter (where figure = 'dead') as observed_ms,
    max(unknown) filter (where figure = 'dead') as unknown
  from ${ratesOf(server, "table", "dead", "inserted", "modified")} r group by object
),
ids as materialized (
  select (select per_day / 24 from ${ratesOf(server, "xid", "value")} x) as xids,
    (select per_day / 24 from ${ratesOf(server, "multixact", "value")} m) as multixacts
)
select q.*, r.dead as "deadPerHour", r.inserted as "insertedPerHour", r.modified as "modifiedPerHour",
  ids.xids as "xidsPerHour", ids.multixacts as "multixactsPerHour", ${rateColumns(server, "r")}, ${askedMs} as "askedMs"
from (${vacuumDue.sql(server)}) q
cross join ids
left join pg_class c on ${isNamed("q.schema", "q.\"table\"")}
left join rate r on r.object = case when q."isToast" then c.reltoastrelid else c.oid end
order by q."deadRows" / greatest(q."deadLimit", 1) desc, q.schema, q."table", q."isToast"`,
  shown: (row) => {
    const before = {
      ...row,
      deadRows: anHourBefore(row.deadRows, row.deadPerHour),
      insertedRows: anHourBefore(row.insertedRows, row.insertedPerHour),
      modifiedRows: anHourBefore(row.modifiedRows, row.modifiedPerHour),
      xidAge: anHourBefore(row.xidAge, row.xidsPerHour),
      multixactAge: anHourBefore(row.multixactAge, row.multixactsPerHour)
    }
    const { analyzeInMs, vacuumInMs } = forecast(before, row, 3_600_000)
    return {
      ...row,
      vacuumInMs,
      analyzeInMs,
      vacuumAt: instantAfter(row.askedMs, vacuumInMs),
      analyzeAt: instantAfter(row.askedMs, analyzeInMs)
    }
  }
}
