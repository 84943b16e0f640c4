/** One page of the tables: how large each is, how it is read, and what is written to it. The largest first. */
import * as Effect from "effect/Effect"
import { pageOfAnswer, type PageQuery } from "./AnswerPage.ts"
import { unavailableParts } from "./AnswerParts.ts"
import { Catalog } from "./Catalog.ts"
import { tableAnswers } from "./PerformanceMetrics.ts"

export type TableColumn =
  | "total"
  | "rows"
  | "sequentialScans"
  | "indexScans"
  | "inserts"
  | "updates"
  | "deletes"
  | "deadRows"

export const tableReport = ({ sort = "-total", ...query }: PageQuery<TableColumn>) =>
  Effect.map(Effect.flatMap(Catalog, tableAnswers), ({ activity, tables }) => ({
    ...pageOfAnswer(tables, { ...query, sort }, {
      total: ({ totalBytes }) => totalBytes,
      rows: ({ rows }) => rows,
      sequentialScans: ({ activity }) => activity?.sequentialScans,
      indexScans: ({ activity }) => activity?.indexScans,
      inserts: ({ activity }) => activity?.inserts,
      updates: ({ activity }) => activity?.updates,
      deletes: ({ activity }) => activity?.deletes,
      deadRows: ({ activity }) => activity?.deadRows
    }),
    unavailableParts: unavailableParts({ activity })
  }))
