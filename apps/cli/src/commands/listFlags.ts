/** What the commands that show a list have in common. */
import * as Flag from "effect/cli/Flag"
import { api } from "./api.ts"
import { json } from "./json.ts"
import { whole } from "./whole.ts"

/** At least one, and nothing but `Column`. */
export type Columns<Column extends string> = readonly [Column, ...ReadonlyArray<Column>]

const most = 200

export const limit = Flag.String("limit").pipe(
  Flag.withMetavar(`<1-${most}>`),
  Flag.withDescription("How many are shown"),
  Flag.filterMap((text) => whole(text, 1, most), () => `Expected a whole number from 1 to ${most}`),
  Flag.withDefault(20)
)

/** Of a list that can be sorted by `columns`, the first of them if nothing else is said. */
export const listFlags = <const Column extends string>(columns: Columns<Column>) => ({
  limit,
  sort: Flag.Literals("sort", columns).pipe(
    Flag.withDescription("What to sort by, the largest first"),
    Flag.withDefault(columns[0])
  ),
  reverse: Flag.Boolean("reverse").pipe(Flag.withDescription("The smallest first"), Flag.withDefault(false)),
  api,
  json
})
