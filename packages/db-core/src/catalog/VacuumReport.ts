/** Which tables wait for VACUUM, who holds it up, and how far ids are from their end. */
import * as Effect from "effect/Effect"
import { chosen, pageOfAnswer, type PageQuery } from "./AnswerPage.ts"
import { noted, rowsOf, unavailableParts } from "./AnswerParts.ts"
import { Catalog } from "./Catalog.ts"
import { vacuumForecast } from "./VacuumForecast.ts"
import { vacuumOverdueCheck, vacuumState } from "./vacuumOverdue.ts"
import { wraparoundForecast } from "./wraparoundForecast.ts"
import { xminHorizon } from "./xminHorizon.ts"

/** Of those who hold, and of those nearest to their end. */
const most = 50

/** The same figure as the check's. */
const overdue = vacuumOverdueCheck.thresholds["overdue"]!.value

export type VacuumColumn =
  | "deadRows"
  | "insertedRows"
  | "modifiedRows"
  | "xidAge"
  | "bytes"
  | "vacuumAt"
  | "analyzeAt"

export interface VacuumQuery extends PageQuery<VacuumColumn> {
  /** Only tables in that state. */
  readonly state?: ReturnType<typeof vacuumState> | undefined
}

/** Without `sort` in the order of the forecast: those first that wait longest. */
export const vacuumReport = ({ state, ...query }: VacuumQuery) =>
  Effect.gen(function*() {
    const { read } = yield* Catalog
    const due = yield* read(vacuumForecast)
    const horizon = yield* read(xminHorizon)
    const wraparound = yield* read(wraparoundForecast)
    const tables = due.isAvailable
      ? {
        ...due,
        rows: due.rows.map((row) => ({ ...row, state: vacuumState(row, overdue) })),
        notes: noted(due, horizon, wraparound)
      }
      : due
    return {
      ...pageOfAnswer(state === undefined ? tables : chosen(tables, (row) => row.state === state), query, {
        deadRows: ({ deadRows }) => deadRows,
        insertedRows: ({ insertedRows }) => insertedRows,
        modifiedRows: ({ modifiedRows }) => modifiedRows,
        xidAge: ({ xidAge }) => xidAge,
        bytes: ({ bytes }) => bytes,
        vacuumAt: ({ vacuumAt }) => vacuumAt,
        analyzeAt: ({ analyzeAt }) => analyzeAt
      }),
      horizon: rowsOf(horizon).slice(0, most),
      wraparound: rowsOf(wraparound).slice(0, most),
      unavailableParts: unavailableParts({ horizon, wraparound })
    }
  })
