/** `GET /api/db/vacuum`: which tables wait for VACUUM, who holds it up, and how far ids are from their end. */
import { chosen, pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { noted, rowsOf, unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import type { Answer } from "@ems/db-core/catalog/CatalogQuery"
import { vacuumForecast } from "@ems/db-core/catalog/VacuumForecast"
import { vacuumOverdueCheck, vacuumState } from "@ems/db-core/catalog/vacuumOverdue"
import { wraparoundForecast } from "@ems/db-core/catalog/wraparoundForecast"
import { xminHorizon } from "@ems/db-core/catalog/xminHorizon"
import { Vacuum, VacuumQuery, type VacuumTable } from "@ems/schema/contract/Vacuum"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

/** Of those who hold, and of those nearest to their end. */
const most = 50

/** The same figure as the check's. */
const overdue = vacuumOverdueCheck.thresholds["overdue"]!.value

const list = ({ state, ...query }: typeof VacuumQuery.Type) =>
  Effect.gen(function*() {
    const { read } = yield* Catalog
    const due = yield* read(vacuumForecast)
    const horizon = yield* read(xminHorizon)
    const wraparound = yield* read(wraparoundForecast)
    const tables: Answer<typeof VacuumTable.Type> = due.isAvailable
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
    } satisfies Vacuum
  })

export const vacuum = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/vacuum", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(VacuumQuery),
    response: { 200: Contract.response(Vacuum) },
    detail: only("viewer", "database:read", {
      summary: "What waits for VACUUM, and what it waits for",
      description:
        "How far each table is from its next VACUUM and ANALYZE, who keeps dead rows from being removed, and " +
        "how far transaction ids are from the point where writes stop.",
      tags: ["database"]
    })
  })
