/** Plans for indexes that are named: to be rebuilt, or dropped with what makes them again. */
import * as Effect from "effect/Effect"
import type { IndexState } from "./IndexState.ts"
import { indexStep, reindexStep } from "./indexSteps.ts"
import { type Action, MaintenanceError } from "./MaintenanceError.ts"
import type { Step } from "./MaintenancePlan.ts"
import { lookUp, type MaintenanceRequest, qualified } from "./MaintenanceRequest.ts"
import type { Planned } from "./planTables.ts"
import type { Situation } from "./Situation.ts"
import type { TableState } from "./TableState.ts"

const needNames = (action: Action, names: ReadonlyArray<string> | undefined) =>
  names === undefined || names.length === 0
    ? Effect.fail(MaintenanceError.of(action, {
      _tag: "Unsupported",
      object: action,
      because: "name the indexes"
    }))
    : Effect.succeed(names)

const refuse = (action: Action, index: IndexState, because: string) =>
  Effect.fail(MaintenanceError.of(action, { _tag: "Unsupported", object: qualified(index), because }))

const namedIndexes = (
  situation: Situation,
  { action, indexes }: MaintenanceRequest,
  stepOf: (table: TableState, index: IndexState) => Effect.Effect<Step, MaintenanceError>
): Effect.Effect<Planned, MaintenanceError> =>
  Effect.gen(function*() {
    const names = yield* needNames(action, indexes)
    const found = yield* lookUp(action, "index", names, situation.indexes)
    const steps = yield* Effect.forEach(found, (index) => {
      const table = situation.tables.find(({ oid }) => oid === index.tableOid)
      if (table === undefined) return refuse(action, index, "its table is not one of the users' tables")
      if (index.isPartitioned) return refuse(action, index, "it has no rows of its own: name those of its partitions")
      if (index.builder !== null) return refuse(action, index, `process ${index.builder} is building it`)
      return stepOf(table, index)
    })
    return { steps, notes: [] }
  })

export const planReindex = (situation: Situation, request: MaintenanceRequest) =>
  namedIndexes(
    situation,
    request,
    (table, index) => Effect.succeed(reindexStep(situation, table, index, "it was asked for"))
  )

export const planDropIndex = (situation: Situation, request: MaintenanceRequest) =>
  namedIndexes(situation, request, (table, index) =>
    index.neededBy.length > 0
      ? refuse(request.action, index, `it cannot be dropped: it is ${index.neededBy.join(", ")}`)
      : index.definition === null
      ? refuse(request.action, index, "its table is locked exclusively, so what would make it again cannot be read")
      : Effect.succeed(indexStep(situation, "drop-index", table, index, {
        statements: [`drop index concurrently ${index.sql}`],
        because: "it was asked for",
        diskBytes: 0,
        undo: index.definition
      })))
