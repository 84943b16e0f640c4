/**
 * From a request to its plan, on one connection that is not in a transaction. Reads only.
 */
import * as Effect from "effect/Effect"
import { type IndexBloat, indexBloat } from "../catalog/indexBloat.ts"
import type { IndexDefinition } from "../catalog/IndexDefinition.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import type { MaintenanceError } from "./MaintenanceError.ts"
import type { MaintenancePlan } from "./MaintenancePlan.ts"
import type { MaintenanceRequest } from "./MaintenanceRequest.ts"
import { planIndexes } from "./planIndexes.ts"
import { planDropIndex, planReindex } from "./planNamedIndexes.ts"
import {
  type BloatThresholds,
  defaultBloat,
  defaultThresholds,
  type DueThresholds,
  planAnalyze,
  planMaintenance,
  type Planned,
  planStorage,
  planVacuum
} from "./planTables.ts"
import { type Situation, withBlockers } from "./Situation.ts"

export interface PlanOptions {
  /** The indexes that must exist. */
  readonly indexes: ReadonlyArray<IndexDefinition>
  /** From which share on `maintenance` works on a table. */
  readonly due?: Partial<DueThresholds> | undefined
  /** From which waste on `optimizeStorage` rebuilds an index. */
  readonly bloat?: Partial<BloatThresholds> | undefined
}

/** Only what is asked for needs the estimate, which reads the statistics of every column. */
const bloatOf = (
  connection: WireConnection,
  { server }: Situation,
  { full, indexes }: MaintenanceRequest
): Effect.Effect<ReadonlyArray<IndexBloat>, DbError> =>
  full === true || indexes !== undefined
    ? Effect.succeed([])
    : connection.rows<IndexBloat>(indexBloat.sql(server))

const stepsOf = (
  connection: WireConnection,
  situation: Situation,
  request: MaintenanceRequest,
  options: PlanOptions
): Effect.Effect<Planned & Partial<MaintenancePlan>, DbError | MaintenanceError> => {
  switch (request.action) {
    case "createIndexes":
      return planIndexes(connection, situation, options.indexes, request)
    case "analyzeTables":
      return planAnalyze(situation, request)
    case "vacuumTables":
      return planVacuum(situation, request)
    case "optimizeStorage":
      return Effect.flatMap(
        bloatOf(connection, situation, request),
        (bloat) => planStorage(situation, request, bloat, { ...defaultBloat, ...options.bloat })
      )
    case "reindex":
      return planReindex(situation, request)
    case "dropIndex":
      return planDropIndex(situation, request)
    case "maintenance":
      return planMaintenance(situation, request, { ...defaultThresholds, ...options.due })
  }
}

export const planOf = (
  connection: WireConnection,
  situation: Situation,
  request: MaintenanceRequest,
  options: PlanOptions
): Effect.Effect<MaintenancePlan, DbError | MaintenanceError> =>
  Effect.gen(function*() {
    const { indexes = [], notes, steps } = yield* stepsOf(connection, situation, request, options)
    return {
      action: request.action,
      steps: yield* withBlockers(connection, steps),
      indexes,
      notes: situation.server.isNeon && steps.length > 0
        ? [...notes, "on Neon what is rewritten adds to the storage of branches and to the history that is kept"]
        : notes
    }
  })
