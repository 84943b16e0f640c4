/**
 * When each sequence has used up its values, at the rate at which they were taken of late; and which of them need
 * something done, by that date or by how far they are.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { inWords } from "./Elapsed.ts"
import { manual } from "./Finding.ts"
import { qualified, quoted } from "./Identifier.ts"
import { askedMs, instantAfter, isNamed, rateColumns, rateNotes, ratesOf, type SampledRate } from "./SampledRates.ts"
import { type SequenceExhaustion, sequenceExhaustion } from "./sequenceExhaustion.ts"

export interface SequenceForecast extends SequenceExhaustion, SampledRate {
  /** Of the last 7 days; null when unknown. A `setval` forwards counts as if its values had been taken. */
  readonly valuesPerDay: number | null
  /** When it was asked: milliseconds since the epoch, by the database's clock. */
  readonly askedMs: number
  /** Until the limit is reached; null when it is not used, or the rate is unknown. */
  readonly runsOutInMs: number | null
  /** ISO instant; null also after the year 9999. */
  readonly runsOutAt: string | null
}

const dayMs = 86_400_000

export const sequenceForecast: CatalogQuery<SequenceForecast> = {
  name: "sequence-forecast",
  notes: (server) => [...sequenceExhaustion.notes?.(server) ?? [], ...rateNotes(server)],
  sql: (server) => `
with rate as materialized ${ratesOf(server, "sequence", "value")}
select q.*, r.per_day / abs(q.increment) as "valuesPerDay", ${rateColumns(server, "r")}, ${askedMs} as "askedMs",
  q.remaining / nullif(r.per_day / abs(q.increment), 0) * ${dayMs} as "runsOutInMs", null as "runsOutAt"
from (${sequenceExhaustion.sql(server)}) q
left join pg_class c on ${isNamed("q.schema", "q.sequence")}
left join rate r on r.object = c.oid
order by q.share desc, q.schema, q.sequence, q."tableSchema", q."table", q."column"`,
  shown: (row) => ({ ...row, runsOutAt: instantAfter(row.askedMs, row.runsOutInMs) })
}

/** Where a sequence of that type ends unless somebody said otherwise: a wider type then moves its end. */
const typeEnds: Readonly<Record<string, ReadonlyArray<number>>> = {
  smallint: [32_767, -32_768],
  integer: [2_147_483_647, -2_147_483_648]
}

const widening = (row: SequenceExhaustion): string | null => {
  const { column, limitedBy, schema, sequence, table, tableSchema } = row
  const isNarrow = typeEnds[row.sequenceType] !== undefined
  const sequenceSql = `alter sequence ${qualified(schema, sequence)} as bigint;`
  if (limitedBy === "sequence") return typeEnds[row.sequenceType]?.includes(row.limit) === true ? sequenceSql : null
  // Several tables would have to change together.
  if (row.reference !== null || table === null || tableSchema === null || column === null) return null
  const columnSql = `alter table ${qualified(tableSchema, table)} alter column ${quoted(column)} type bigint;`
  return isNarrow ? `${columnSql}\n${sequenceSql}` : columnSql
}

const limits: Readonly<Record<SequenceExhaustion["limitedBy"], string>> = {
  sequence: "its own maximum",
  column: "the type of its column",
  reference: "the type of a column that refers to it"
}

/** Not one that begins again: to come round is what it is for. */
const isSoon = ({ isCycle, observedMs, runsOutInMs }: SequenceForecast, withinMs: number, enoughMs: number): boolean =>
  !isCycle && runsOutInMs !== null && runsOutInMs <= withinMs && observedMs >= enoughMs

export const sequenceExhaustionCheck = checkOf({
  name: "sequence-exhaustion",
  title: "Sequences that run out",
  query: sequenceForecast,
  thresholds: {
    warn: { value: 0.75, unit: "ratio", source: "ours: time to change a type before PgHero's 90 %" },
    error: { value: 0.9, unit: "ratio", source: "PgHero, lib/pghero/methods/sequences.rb: 90 %" },
    days: {
      value: 90,
      unit: "days",
      source: "ours: time to plan the rewrite of a large table, whatever is used so far"
    },
    observedDays: { value: 1, unit: "days", source: "ours: an import of an hour is no rate" }
  },
  judge: (rows, { limit }) =>
    rows.filter((row) =>
      row.share >= limit("warn") || isSoon(row, limit("days") * dayMs, limit("observedDays") * dayMs)
    ).map((row) => ({
      severity: row.share >= limit("error") && !row.isCycle ? "error" : "warn",
      object: { kind: "sequence", name: `${row.schema}.${row.sequence}` },
      key: row.table === null ? [] : [`${row.tableSchema}.${row.table}.${row.column}`],
      summary: `${row.schema}.${row.sequence} has used ${Math.floor(row.share * 1000) / 10} % up to ${
        limits[row.limitedBy]
      }${
        row.runsOutAt === null || row.runsOutInMs === null
          ? ""
          : `; at the rate of the last days it reaches it in ${inWords(row.runsOutInMs)}`
      }`,
      evidence: {
        table: row.table === null ? null : `${row.tableSchema}.${row.table}`,
        column: row.column,
        columnType: row.columnType,
        sequenceType: row.sequenceType,
        lastValue: row.lastValue,
        limit: row.limit,
        limitedBy: row.limitedBy,
        reference: row.reference,
        remaining: row.remaining,
        share: row.share,
        valuesPerDay: row.valuesPerDay,
        observedMs: row.observedMs,
        runsOutAt: row.runsOutAt
      },
      impact: row.isCycle
        ? "It begins again at its end, and values that exist come once more"
        : row.limitedBy === "column"
        ? "Then every INSERT fails; changing the column's type rewrites the table under an exclusive lock"
        : "Then every INSERT that needs a new value fails",
      remediation: widening(row),
      documentation: manual("sql-altersequence.html")
    }))
})
