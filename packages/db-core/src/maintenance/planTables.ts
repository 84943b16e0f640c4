/**
 * Plans for tables: what VACUUM and ANALYZE would work on, what is due, and which indexes are worth a rebuild.
 */
import * as Effect from "effect/Effect"
import { type IndexBloat, indexBloatCheck } from "../catalog/indexBloat.ts"
import { leftoverStep, reindexStep } from "./indexSteps.ts"
import { type Action, MaintenanceError } from "./MaintenanceError.ts"
import type { Step } from "./MaintenancePlan.ts"
import { lookUp, type MaintenanceRequest, qualified } from "./MaintenanceRequest.ts"
import { estimate, type Situation } from "./Situation.ts"
import type { TableState } from "./TableState.ts"

export interface Planned {
  readonly steps: ReadonlyArray<Step>
  readonly notes: ReadonlyArray<string>
}

/** From which share on `maintenance` finds a table due. Autovacuum's own defaults are 0.2 and 0.1 of the rows. */
export interface DueThresholds {
  /** Dead rows to all rows. Default 0.2. */
  readonly dead: number
  /** Changed rows to all rows. Default 0.1. */
  readonly changed: number
  /** Smaller tables are due only when never analysed. Rows dead or changed; autovacuum's own 50. */
  readonly least: number
}

export const defaultThresholds: DueThresholds = { dead: 0.2, changed: 0.1, least: 50 }

/** From which waste on `optimizeStorage` rebuilds an index: both. */
export interface BloatThresholds {
  /** Of the index, 0 to 1. Default 0.5, as the check `index-bloat`. */
  readonly share: number
  /** Default 100 MiB, as the check `index-bloat`. */
  readonly bytes: number
}

export const defaultBloat: BloatThresholds = {
  share: indexBloatCheck.thresholds["share"]!.value,
  bytes: indexBloatCheck.thresholds["bytes"]!.value
}

const tableStep = (
  situation: Situation,
  kind: "vacuum" | "vacuum-full" | "analyze",
  table: TableState,
  options: string,
  because: string
): Step => {
  const isFull = kind === "vacuum-full"
  const bytes = kind === "analyze"
    ? table.heapBytes
    : table.tableBytes + table.indexBytes
  return {
    kind,
    schema: table.schema,
    object: table.name,
    table: table.name,
    tableOid: table.oid,
    statements: [`${kind === "analyze" ? "analyze" : `vacuum${options}`} ${table.sql}`],
    because,
    lock: isFull ? "AccessExclusive" : "ShareUpdateExclusive",
    blocks: isFull ? "reads and writes" : "schema changes",
    bytes,
    // VACUUM FULL writes the table and its indexes again before it drops the old ones.
    diskBytes: isFull ? bytes : 0,
    estimatedMs: estimate(situation, kind, bytes),
    blockers: [],
    undo: null
  }
}

/** The named tables, or all that hold rows and are not ours. */
const tablesOf = (
  action: Action,
  situation: Situation,
  names: ReadonlyArray<string> | undefined
): Effect.Effect<Planned & { readonly tables: ReadonlyArray<TableState> }, MaintenanceError> =>
  Effect.gen(function*() {
    const chosen = names === undefined
      ? situation.tables.filter(({ isInternal, isPartitioned }) => !isInternal && !isPartitioned)
      : yield* lookUp(action, "table", names, situation.tables)
    const refused = chosen.filter(({ mayMaintain }) => !mayMaintain)
    return {
      tables: chosen.filter(({ mayMaintain }) => mayMaintain),
      steps: [],
      notes: refused.map((table) => `${qualified(table)} is left out: ${situation.server.role} does not own it`)
    }
  })

const share = (part: number, of: number): string => `${Math.round((100 * part) / Math.max(1, of))} %`

const isDue = (part: number, table: TableState, threshold: number, least: number): boolean =>
  part >= least && part >= threshold * Math.max(table.liveRows, table.rows, 1)

export const planAnalyze = (situation: Situation, { action, tables }: MaintenanceRequest) =>
  Effect.map(tablesOf(action, situation, tables), (found): Planned => ({
    steps: found.tables.map((table) => tableStep(situation, "analyze", table, "", "it was asked for")),
    notes: found.notes
  }))

export const planVacuum = (situation: Situation, { action, tables }: MaintenanceRequest) =>
  Effect.map(tablesOf(action, situation, tables), (found): Planned => ({
    steps: found.tables.map((table) =>
      tableStep(situation, "vacuum", table, "", `${table.deadRows} dead rows beside ${table.liveRows}`)
    ),
    notes: found.notes
  }))

/** Vacuum and analyze of each table, then the indexes that are bloated. */
export const planStorage = (
  situation: Situation,
  { action, full = false, indexes, tables }: MaintenanceRequest,
  bloat: ReadonlyArray<IndexBloat>,
  limits: BloatThresholds
): Effect.Effect<Planned, MaintenanceError> =>
  Effect.gen(function*() {
    if (full && (tables === undefined || tables.length === 0)) {
      return yield* MaintenanceError.of(action, {
        _tag: "Unsupported",
        object: "VACUUM FULL",
        because: "nobody can read or write a table meanwhile: name the tables"
      })
    }
    const found = yield* tablesOf(action, situation, tables)
    const oids = new Map(found.tables.map((table) => [table.oid, table]))
    const named = indexes === undefined ? undefined : yield* lookUp(action, "index", indexes, situation.indexes)
    const bloated = named === undefined
      ? bloat.filter(({ wastedBytes, wastedShare }) =>
        (wastedShare ?? 0) >= limits.share && (wastedBytes ?? 0) >= limits.bytes
      )
      : []
    const rebuilt = full ? [] : situation.indexes.flatMap((index): ReadonlyArray<Step> => {
      const table = oids.get(index.tableOid)
      if (table === undefined || index.builder !== null || index.isPartitioned) return []
      const waste = bloated.find(({ name, schema }) => schema === index.schema && name === index.name)
      if (named?.includes(index) === true) return [reindexStep(situation, table, index, "it was asked for")]
      if (waste === undefined) return []
      const mebibytes = Math.round((waste.wastedBytes ?? 0) / 1024 / 1024)
      const text = `about ${mebibytes} MiB of it are waste, ${Math.round((waste.wastedShare ?? 0) * 100)} %`
      return [reindexStep(situation, table, index, text)]
    })
    return {
      steps: [
        ...found.tables.map((table) =>
          tableStep(
            situation,
            full ? "vacuum-full" : "vacuum",
            table,
            full ? " (full, analyze)" : " (analyze)",
            full
              ? "it was asked for by name: table and indexes are written again"
              : `${table.deadRows} dead rows beside ${table.liveRows}`
          )
        ),
        ...rebuilt
      ],
      notes: found.notes
    }
  })

/** Repairs invalid indexes, vacuums what is due, analyses what changed; a table that is vacuumed for both in one go. */
export const planMaintenance = (
  situation: Situation,
  { action, tables }: MaintenanceRequest,
  { changed, dead, least }: DueThresholds
): Effect.Effect<Planned, MaintenanceError> =>
  Effect.map(tablesOf(action, situation, tables), (found): Planned => {
    const repairs = situation.indexes.flatMap((index): ReadonlyArray<Step> => {
      const table = found.tables.find(({ oid }) => oid === index.tableOid)
      if (table === undefined || index.isUsable || index.builder !== null || index.isPartitioned) return []
      const leftover = leftoverStep(situation, table, index)
      return leftover.length > 0 ? leftover : [reindexStep(situation, table, index, "it is invalid")]
    })
    const due = found.tables.flatMap((table): ReadonlyArray<Step> => {
      const rows = Math.max(table.liveRows, table.rows)
      const isChanged = isDue(table.changedRows, table, changed, least) || (table.rows < 0 && table.heapBytes > 0)
      if (isDue(table.deadRows, table, dead, least)) {
        return [tableStep(
          situation,
          "vacuum",
          table,
          isChanged ? " (analyze)" : "",
          `${table.deadRows} dead rows, ${share(table.deadRows, rows)}`
        )]
      }
      const because = table.rows < 0 ? "it was never analysed" : `${share(table.changedRows, rows)} of its rows changed`
      return isChanged ? [tableStep(situation, "analyze", table, "", because)] : []
    })
    return { steps: [...repairs, ...due], notes: found.notes }
  })
