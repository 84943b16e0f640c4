/** A list as people see it: a table, what is not in it, and what could not be looked at. */
import type { Unavailable } from "@ems/schema/contract/Unavailable"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { Findings } from "../Findings.ts"
import { print } from "../Output.ts"
import type { SourceFlags } from "./Source.ts"

export interface ListFlags<Column extends string> extends SourceFlags {
  readonly limit: number
  readonly sort: Column
  readonly reverse: boolean
  readonly json: boolean
}

/** The query of a page, as the reports of the data layer take it. */
export const queryOf = <Column extends string>({ limit, reverse, sort }: ListFlags<Column>) => ({
  limit,
  sort: reverse ? sort : `-${sort}` as const
})

export interface Page {
  readonly items: ReadonlyArray<unknown>
  readonly total: number
  readonly unavailable: Unavailable | null
  readonly notes: ReadonlyArray<string>
  readonly unavailableParts?: ReadonlyArray<Unavailable & { readonly part: string }>
}

const linesOf = (
  { items, notes, total, unavailable, unavailableParts = [] }: Page,
  rows: ReadonlyArray<string>,
  empty: string
): ReadonlyArray<string> => [
  ...(unavailable !== null ? [`not available: ${unavailable.text}`] : items.length === 0 ? [empty] : rows),
  ...(items.length < total ? [`${items.length} of ${total}; --limit shows more`] : []),
  ...unavailableParts.map(({ part, text }) => `${part}: not looked at, ${text}`),
  ...notes
]

/** Prints a page, or why there is none: that ends with the exit code of findings, as somebody has to do something. */
export const printPage = Effect.fnUntraced(function*<A extends Page, I>(
  schema: Schema.Codec<A, I>,
  page: A,
  { empty, json, rows }: {
    readonly json: boolean
    /** For people. */
    readonly rows: ReadonlyArray<string>
    /** What it means that there are none. */
    readonly empty: string
  }
) {
  yield* print(schema, page, { json, lines: linesOf(page, rows, empty) })
  if (page.unavailable !== null) return yield* new Findings({ verdict: "findings" })
})
