import { type TableColumn, tableReport } from "@ems/db-core/catalog/TableReport"
import { Tables } from "@ems/schema/contract/Tables"
import * as Effect from "effect/Effect"
import { bytes, shortFigure } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { type ListFlags, printPage, queryOf } from "./List.ts"
import { answer } from "./Source.ts"

type Row = Tables["items"][number]
type Activity = NonNullable<Row["activity"]>

/** Nothing where nobody counted: 0 would be something else. */
const counted = (of: (activity: Activity) => number) => ({ activity }: Row): string | null =>
  activity === null ? null : shortFigure(of(activity))

export const runTables = Effect.fn("emsdb.tables")(function*(flags: ListFlags<TableColumn>) {
  const query = queryOf(flags)
  const page: Tables = yield* answer(flags, { contract: Tables, path: "api/db/tables", query }, tableReport(query))
  yield* printPage(Tables, page, {
    json: flags.json,
    empty: "there are no tables",
    rows: table(page.items, [
      { name: "table", of: ({ schema, table }) => `${schema}.${table}` },
      { name: "size", of: ({ totalBytes }) => bytes(totalBytes), align: "right" },
      { name: "rows", of: ({ rows }) => rows === null ? null : shortFigure(rows), align: "right" },
      { name: "seq", of: counted(({ sequentialScans }) => sequentialScans), align: "right" },
      { name: "index", of: counted(({ indexScans }) => indexScans), align: "right" },
      { name: "writes", of: counted(({ deletes, inserts, updates }) => inserts + updates + deletes), align: "right" },
      { name: "dead", of: counted(({ deadRows }) => deadRows), align: "right" },
      { name: "vacuumed", of: ({ activity }) => activity?.lastVacuum?.slice(0, 10) ?? null }
    ], yield* screen)
  })
})
