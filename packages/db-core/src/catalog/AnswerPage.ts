/** Cuts one page out of what is known. */
import type { Answer } from "./CatalogQuery.ts"

export interface PageQuery<Column extends string> {
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly sort?: Column | `-${Column}` | undefined
}

type Sortable = string | number | bigint | boolean | null | undefined

/** Nothing is before everything; text by code units, so that the order is the same everywhere. */
const compare = (a: Sortable, b: Sortable): number => {
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1
  if (b === null || b === undefined) return 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** `rows` in the order that `query` asks for, or as they come; those that are equal as they come. */
export const pageFrom = <Row, Column extends string>(
  rows: ReadonlyArray<Row>,
  { limit = 50, offset = 0, sort }: PageQuery<Column>,
  columns: { readonly [C in Column]: (row: Row) => Sortable }
) => {
  const isDown = sort?.startsWith("-") === true
  // The type of `sort` says that what stands behind the sign is a column.
  const column = sort === undefined ? undefined : columns[(isDown ? sort.slice(1) : sort) as Column]
  const sorted = column === undefined
    ? rows
    : rows.toSorted((a, b) => (isDown ? -1 : 1) * compare(column(a), column(b)))
  return { items: sorted.slice(offset, offset + limit), total: rows.length, limit, offset }
}

/** The same of an answer of the catalog, which may be that nobody knows. */
export const pageOfAnswer = <Row, Column extends string>(
  answer: Answer<Row>,
  query: PageQuery<Column>,
  columns: { readonly [C in Column]: (row: Row) => Sortable }
) => ({
  ...pageFrom(answer.isAvailable ? answer.rows : [], query, columns),
  unavailable: answer.isAvailable ? null : answer.unavailable,
  notes: answer.isAvailable ? answer.notes : []
})

/** Some rows of an answer; none of them where nobody knows. */
export const chosen = <Row>(answer: Answer<Row>, isChosen: (row: Row) => boolean): Answer<Row> =>
  answer.isAvailable ? { ...answer, rows: answer.rows.filter(isChosen) } : answer
