/**
 * How the database does, in one look: itself, its tables, its indexes, and those of them that nobody reads.
 */
import * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"
import { notesOf, rowsOf, type UnavailablePart, unavailableParts } from "./AnswerParts.ts"
import { type CacheHitRatio, cacheHitRatios } from "./cacheHitRatios.ts"
import type { Catalog } from "./Catalog.ts"
import type { Answer } from "./CatalogQuery.ts"
import { type IndexUsage, indexUsage } from "./indexUsage.ts"
import { observedWindow } from "./ObservedWindow.ts"
import { databaseSize, sizes, type TableSize } from "./sizes.ts"
import { type TableActivity, tableActivity } from "./tableActivity.ts"
import { type UnusedIndex, unusedIndexes } from "./unusedIndexes.ts"

export interface DatabaseMetrics {
  readonly name: string
  /** As `server_version_num`. */
  readonly version: number
  /** Null when it could not be asked for. */
  readonly bytes: number | null
  /** Share of the blocks that were in `shared_buffers`, since the statistics began; null when none was read. */
  readonly cacheHitRatio: number | null
  /** ISO instants: of the server, and of what is counted in it. */
  readonly startedAt: string
  readonly statisticsSince: string | null
}

/** Size and activity of one table. A partitioned one has a size only: what happens is counted in its partitions. */
export interface TableMetrics extends TableSize {
  readonly activity: Omit<TableActivity, "schema" | "table"> | null
}

export interface PerformanceMetrics {
  readonly database: DatabaseMetrics
  /** The largest first. */
  readonly tables: ReadonlyArray<TableMetrics>
  readonly indexes: ReadonlyArray<IndexUsage>
  /** Not yet a reason to drop one: `observedDays` says how long was looked. */
  readonly unusedIndexes: ReadonlyArray<UnusedIndex>
  /** What could not be looked at, and is empty or null for that. */
  readonly unavailableParts: ReadonlyArray<UnavailablePart<MetricsPart>>
  /** The same as sentences, and what limits the rest. */
  readonly notes: ReadonlyArray<string>
}

export type MetricsPart =
  | "size"
  | "cacheHitRatio"
  | "statisticsSince"
  | "tables"
  | "activity"
  | "indexes"
  | "unusedIndexes"

type Reader = Pick<Catalog["Service"], "read" | "server">

const joined = (size: Answer<TableSize>, activity: Answer<TableActivity>): Answer<TableMetrics> => {
  if (!size.isAvailable) return size
  const byName = new Map(rowsOf(activity).map(({ schema, table, ...row }) => [`${schema}.${table}`, row]))
  return {
    ...size,
    rows: size.rows.map((row) => ({ ...row, activity: byName.get(`${row.schema}.${row.table}`) ?? null })),
    notes: [...size.notes, ...notesOf(activity)]
  }
}

/** With `activity` as it was asked for: without an answer to it no table has any. */
export const tableAnswers = ({ read }: Reader) =>
  Effect.map(Effect.all([read(sizes), read(tableActivity)]), ([size, activity]) => ({
    tables: joined(size, activity),
    activity
  }))

export const tableMetrics = (catalog: Reader): Effect.Effect<Answer<TableMetrics>, DbError> =>
  Effect.map(tableAnswers(catalog), ({ tables }) => tables)

export const performanceMetrics = (catalog: Reader): Effect.Effect<PerformanceMetrics, DbError> =>
  Effect.gen(function*() {
    const server = yield* catalog.server
    const size = yield* catalog.read(databaseSize)
    const ratios = yield* catalog.read(cacheHitRatios)
    const observed = yield* catalog.read(observedWindow)
    const { activity, tables } = yield* tableAnswers(catalog)
    const indexes = yield* catalog.read(indexUsage)
    const unused = yield* catalog.read(unusedIndexes)
    const ratio = rowsOf<CacheHitRatio>(ratios).find(({ kind }) => kind === "database")?.ratio ?? null
    return {
      database: {
        name: server.database,
        version: server.version,
        bytes: rowsOf(size)[0]?.bytes ?? null,
        cacheHitRatio: ratio,
        startedAt: server.startedAt,
        statisticsSince: rowsOf(observed)[0]?.since ?? null
      },
      tables: rowsOf(tables),
      indexes: rowsOf(indexes),
      unusedIndexes: rowsOf(unused),
      unavailableParts: unavailableParts<MetricsPart>({
        size,
        cacheHitRatio: ratios,
        statisticsSince: observed,
        tables,
        activity,
        indexes,
        unusedIndexes: unused
      }),
      notes: [...new Set([size, ratios, observed, tables, indexes, unused].flatMap(notesOf))]
    }
  })
