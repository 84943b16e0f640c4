/**
 * Maintenance and what the catalog knows, for callers without Effect.
 */
import type * as Effect from "effect/Effect"
import type { Catalog } from "../catalog/Catalog.ts"
import type { Answer } from "../catalog/CatalogQuery.ts"
import { type IndexUsage, indexUsage } from "../catalog/indexUsage.ts"
import {
  type PerformanceMetrics,
  performanceMetrics,
  type TableMetrics,
  tableMetrics
} from "../catalog/PerformanceMetrics.ts"
import { type UnusedIndex, unusedIndexes } from "../catalog/unusedIndexes.ts"
import type { JobResult } from "../maintenance/JobResult.ts"
import type { Maintenance } from "../maintenance/Maintenance.ts"
import type { MaintenancePlan } from "../maintenance/MaintenancePlan.ts"
import type { MaintenanceRequest } from "../maintenance/MaintenanceRequest.ts"

type Options = Omit<MaintenanceRequest, "action">

export interface Work<O = Options> {
  /** With `dryRun` nothing is changed: the plan is what comes back. Rejects with `MaintenanceError` or `DbError`. */
  (options: O & { readonly dryRun: true }): Promise<MaintenancePlan>
  (options?: O & { readonly dryRun?: false }): Promise<JobResult>
}

export interface DbOptimization {
  /** Builds the indexes of `OpenOptions.indexes` that are missing or were not built to their end, concurrently. */
  readonly createIndexes: Work
  readonly analyzeTables: Work
  readonly vacuumTables: Work
  /** Vacuums, analyses, and rebuilds bloated indexes. */
  readonly optimizeStorage: Work
  /** Sizes and activity of every table, the largest first. */
  readonly getStats: () => Promise<ReadonlyArray<TableMetrics>>
  readonly getIndexStats: () => Promise<ReadonlyArray<IndexUsage>>
  /** Indexes that nobody has read since `observedSince`, and that nothing needs. */
  readonly findUnusedIndexes: () => Promise<ReadonlyArray<UnusedIndex>>
  readonly getPerformanceMetrics: () => Promise<PerformanceMetrics>
}

/** An empty list would look like good news. */
const rowsOf = <Row>(answer: Answer<Row>): ReadonlyArray<Row> => {
  if (!answer.isAvailable) throw new Error(answer.unavailable.text)
  return answer.rows
}

export const makeDbOptimization = (
  catalog: Catalog["Service"],
  maintenance: Maintenance["Service"],
  /** Rejects with what the effect fails with. */
  ask: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
): DbOptimization => {
  const work = (action: MaintenanceRequest["action"]): Work =>
    ((options?: Options & { readonly dryRun?: boolean }) => {
      const { dryRun, ...request } = options ?? {}
      return dryRun === true
        ? ask(maintenance.plan({ ...request, action }))
        : ask(maintenance.run({ ...request, action }))
      // A cast: what comes back depends on a member of the argument, as the overloads say.
    }) as Work
  return {
    createIndexes: work("createIndexes"),
    analyzeTables: work("analyzeTables"),
    vacuumTables: work("vacuumTables"),
    optimizeStorage: work("optimizeStorage"),
    getStats: async () => rowsOf(await ask(tableMetrics(catalog))),
    getIndexStats: async () => rowsOf(await ask(catalog.read(indexUsage))),
    findUnusedIndexes: async () => rowsOf(await ask(catalog.read(unusedIndexes))),
    getPerformanceMetrics: () => ask(performanceMetrics(catalog))
  }
}
