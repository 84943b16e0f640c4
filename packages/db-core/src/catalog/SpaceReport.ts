/** The database and one page of its tables: how large, how fast they grow, and what a rewrite would gain. The largest first. */
import * as Effect from "effect/Effect"
import { pageOfAnswer, type PageQuery } from "./AnswerPage.ts"
import { noted, rowsOf, unavailableParts } from "./AnswerParts.ts"
import { Catalog } from "./Catalog.ts"
import { tableBloat } from "./tableBloat.ts"
import { databaseGrowth, tableGrowth } from "./tableGrowth.ts"

export type SpaceColumn = "total" | "heap" | "indexes" | "toast" | "rows" | "growth" | "wasted"

export const spaceReport = ({ sort = "-total", ...query }: PageQuery<SpaceColumn>) =>
  Effect.gen(function*() {
    const { read } = yield* Catalog
    const tables = yield* read(tableGrowth)
    const bloat = yield* read(tableBloat)
    const database = yield* read(databaseGrowth)
    const bloats = new Map(rowsOf(bloat).map((row) => [`${row.schema}.${row.table}`, row]))
    const answer = tables.isAvailable
      ? {
        ...tables,
        rows: tables.rows.map((row) => ({ ...row, bloat: bloats.get(`${row.schema}.${row.table}`) ?? null })),
        notes: noted(tables, bloat)
      }
      : tables
    return {
      ...pageOfAnswer(answer, { ...query, sort }, {
        total: ({ totalBytes }) => totalBytes,
        heap: ({ heapBytes }) => heapBytes,
        indexes: ({ indexBytes }) => indexBytes,
        toast: ({ toastBytes }) => toastBytes,
        rows: ({ rows }) => rows,
        growth: ({ bytesPerDay }) => bytesPerDay,
        wasted: ({ bloat }) => bloat?.wastedBytes
      }),
      database: rowsOf(database)[0] ?? null,
      unavailableParts: unavailableParts({ database, bloat })
    }
  })
