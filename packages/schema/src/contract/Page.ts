/**
 * One page of a list: `?limit=50&offset=0&sort=-calls`. Lists are bounded and sorted by something that their query
 * names, so that a page is small and two pages do not overlap.
 */
import * as Schema from "effect/Schema"
import { Count, Text } from "./Scalars.ts"
import { Unavailable } from "./Unavailable.ts"

/** Rows of a page, at most. */
const maxLimit = 200

const wholeNumber = (minimum: number, maximum: number) =>
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

/** `sort` by one of `columns`, with `-` before it from the largest down. */
const sortBy = <const Column extends string>(columns: ReadonlyArray<Column>) =>
  Schema.Literals([...columns, ...columns.map((column): `-${Column}` => `-${column}`)])

/** The query of a page, as text; `limit` is 50 and `offset` 0 when they are not given. */
export const pageQuery = <const Column extends string>(columns: ReadonlyArray<Column>) =>
  Schema.Struct({
    /** 1 to 200. */
    limit: Schema.optionalKey(wholeNumber(1, maxLimit)),
    /** Rows before the page, at most 100,000. */
    offset: Schema.optionalKey(wholeNumber(0, 100_000)),
    sort: Schema.optionalKey(sortBy(columns))
  })

export const pageOf = <S extends Schema.Top>(item: S) =>
  Schema.Struct({
    items: Schema.Array(item),
    /** Rows on all pages. */
    total: Count,
    limit: Count,
    offset: Count,
    /** Null when it was looked at. */
    unavailable: Schema.NullOr(Unavailable),
    /** What limits the answer here. */
    notes: Schema.Array(Text)
  })
