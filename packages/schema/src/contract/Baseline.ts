/** The file of `emsdb check --baseline`: findings that are known and accepted, kept beside the code and reviewed with it. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Text } from "./Scalars.ts"
import { Severity } from "./Severity.ts"

const isDay = Schema.makeFilter(
  (text: string) =>
    Option.exists(DateTime.make(`${text}T00:00:00.000Z`), (day) => DateTime.formatIsoDateUtc(day) === text),
  { expected: "a day such as 2026-12-31" }
)

/** A day of the calendar, such as `2026-12-31`: one spelling, so it sorts as text. */
export const Day = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d\d-\d\d$/u, { expected: "a day such as 2026-12-31" }),
  isDay
)

export const BaselineEntry = Schema.Struct({
  /** Of the finding. */
  cacheKey: Text,
  /** How severe it was when it was accepted: a more severe one counts again. Default: however severe it is. */
  severity: Schema.optionalKey(Severity),
  /** Why it is accepted. */
  reason: Schema.optionalKey(Text),
  /** The last day on which it is, in UTC. Default: no end. */
  until: Schema.optionalKey(Day)
})
export type BaselineEntry = typeof BaselineEntry.Type

const areDistinct = Schema.makeFilter(
  (entries: ReadonlyArray<BaselineEntry>) => new Set(entries.map(({ cacheKey }) => cacheKey)).size === entries.length,
  { expected: "each cacheKey once" }
)

export const Baseline = Schema.Struct({
  /** Of this form. */
  version: Schema.Literal(1),
  accepted: Schema.Array(BaselineEntry).check(areDistinct)
})
export type Baseline = typeof Baseline.Type
