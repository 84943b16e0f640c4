import * as StatementDeltas from "@ems/db-core/catalog/StatementDeltas"
import { type StatementColumn, statementReport, type StatementWindow } from "@ems/db-core/catalog/StatementReport"
import { Queries } from "@ems/schema/contract/Queries"
import * as Effect from "effect/Effect"
import { duration, elapsed, percent, shortFigure } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { type ListFlags, printPage, queryOf } from "./List.ts"
import { answer } from "./Source.ts"

type QueriesFlags = ListFlags<StatementColumn> & { readonly window: StatementWindow }

/** Somebody who asks wants to see what runs now. Milliseconds. */
const sinceLastLook = 1000

/** Of the two sources the one that a command has as well. */
const ofServer = Queries.members[1]

export const runQueries = Effect.fn("emsdb.queries")(function*({ window, ...flags }: QueriesFlags) {
  const query = queryOf(flags)
  const page = yield* answer(
    flags,
    { contract: ofServer, path: "api/db/queries", query: { ...query, source: "server", window } },
    // What ran since the last look is shown too. Where nothing can be kept, the report says what is known.
    Effect.ignore(StatementDeltas.sample({ intervalMs: sinceLastLook })).pipe(
      Effect.andThen(statementReport(window, query)),
      Effect.map((found): typeof ofServer.Type => ({ source: "server", window, ...found }))
    )
  )
  yield* printPage(ofServer, page, {
    json: flags.json,
    empty: "no statements",
    rows: table(page.items, [
      { name: "total", of: ({ totalMs }) => elapsed(totalMs), align: "right" },
      { name: "share", of: ({ share }) => share === null ? null : percent(share), align: "right" },
      { name: "calls", of: ({ calls }) => shortFigure(calls), align: "right" },
      { name: "mean", of: ({ meanMs }) => meanMs < 10 ? `${meanMs.toFixed(2)} ms` : duration(meanMs), align: "right" },
      { name: "rows", of: ({ rows }) => shortFigure(rows), align: "right" },
      { name: "user", of: ({ user }) => user, shrinksTo: 8 },
      { name: "query", of: ({ queryId, text }) => text ?? (queryId === null ? "(all others)" : null), shrinksTo: 24 }
    ], yield* screen)
  })
})
