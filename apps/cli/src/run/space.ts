import { type SpaceColumn, spaceReport } from "@ems/db-core/catalog/SpaceReport"
import { Space } from "@ems/schema/contract/Space"
import * as Effect from "effect/Effect"
import { bytes, shortFigure } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { type ListFlags, printPage, queryOf } from "./List.ts"
import { answer } from "./Source.ts"

const growth = (bytesPerDay: number | null): string | null => bytesPerDay === null ? null : `${bytes(bytesPerDay)}/d`

const databaseLines = ({ database }: Space): ReadonlyArray<string> => {
  if (database === null) return []
  const rate = growth(database.bytesPerDay)
  return [`database ${database.name}: ${bytes(database.bytes)}${rate === null ? "" : `, grows by ${rate}`}`]
}

export const runSpace = Effect.fn("emsdb.space")(function*(flags: ListFlags<SpaceColumn>) {
  const query = queryOf(flags)
  const page: Space = yield* answer(flags, { contract: Space, path: "api/db/space", query }, spaceReport(query))
  const rows = table(page.items, [
    { name: "table", of: ({ schema, table }) => `${schema}.${table}` },
    { name: "total", of: ({ totalBytes }) => bytes(totalBytes), align: "right" },
    { name: "rows", of: ({ heapBytes }) => bytes(heapBytes), align: "right" },
    { name: "indexes", of: ({ indexBytes }) => bytes(indexBytes), align: "right" },
    { name: "TOAST", of: ({ toastBytes }) => bytes(toastBytes), align: "right" },
    { name: "count", of: ({ rows }) => rows === null ? null : shortFigure(rows), align: "right" },
    { name: "growth", of: ({ bytesPerDay }) => growth(bytesPerDay), align: "right" },
    {
      name: "wasted",
      of: ({ bloat }) => bloat?.wastedBytes == null ? null : bytes(Math.round(bloat.wastedBytes)),
      align: "right"
    }
  ], yield* screen)
  yield* printPage(Space, page, {
    json: flags.json,
    empty: "there are no tables",
    rows: [...rows, ...databaseLines(page)]
  })
})
