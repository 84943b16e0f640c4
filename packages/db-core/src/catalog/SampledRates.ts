/**
 * Rates of what object samples counted, in the days before now.
 *
 * A rate is what was added between the first and the last sample of a stretch in which nothing began anew, over its
 * time; of several stretches their sums. Least squares would fit a line to samples of which most are of the last two
 * days, so that a week of silence would weigh less than an evening of import; this does not depend on how many there
 * are.
 *
 * A stretch ends with a TRUNCATE, a rewrite or other indexes for bytes, with a VACUUM for dead and inserted rows, with an
 * ANALYZE for modified ones, with a reset of statistics for all three, and with a smaller value for what only grows.
 */
import * as DateTime from "effect/DateTime"
import { objectSample, ourDatabase } from "./objectSampleStore.ts"
import type { ServerFacts } from "./ServerFacts.ts"

/** How far back is looked. */
export const rateDays = 7

/** Less than that is no rate. Seconds: one hour. */
const shortest = 3600

/** Why there is no rate. */
export type UnknownRate =
  /** No samples are kept here, or this role may not read them. */
  | "not-kept"
  /** It has less than two: it is new, small among very many, or nobody looked in the last days. */
  | "too-few-samples"
  /** They are less than an hour apart. */
  | "too-short"
  /** It began anew between them, each time within an hour. */
  | "began-anew"
  /** There was less at the end. */
  | "shrank"

export interface SampledRate {
  /** Of the last 7 days. */
  readonly samples: number
  /** The time that the rate is of; 0 without one. */
  readonly observedMs: number
  /** Null when the rate is known. */
  readonly unknown: UnknownRate | null
}

type Figure = "value" | "dead" | "inserted" | "modified"

type Kind = "table" | "database" | "sequence" | "xid" | "multixact"

/** Which column says that it began anew, and whether it only grows until then. Bytes and dead rows may shrink. */
const figures: Readonly<Record<Figure, readonly [era: string, grows: boolean]>> = {
  value: ["layout", false],
  dead: ["vacuumed", false],
  inserted: ["vacuumed", true],
  modified: ["analyzed", true]
}

/** Kinds whose values only grow. */
const counters: ReadonlySet<Kind> = new Set<Kind>(["sequence", "xid", "multixact"])

/**
 * A select in parentheses: `object`, `figure`, `per_day` (null when unknown), and the columns of `SampledRate` as
 * `samples`, `observed_ms`, `unknown`. One row for each object and figure that has a sample.
 */
export const ratesOf = (
  { hasSamples }: Pick<ServerFacts, "hasSamples">,
  kind: Kind,
  ...wanted: ReadonlyArray<Figure>
): string =>
  hasSamples
    ? `(
  with figure as (
    select s.object, s.at, f.figure collate "C" as figure, f.value, f.era, f.grows
    from ${objectSample} s
    cross join lateral (values ${
      wanted.map((name) => `('${name}', s.${name}, s.${figures[name][0]}, ${figures[name][1] || counters.has(kind)})`)
        .join(", ")
    }) f (figure, value, era, grows)
    where s.database = ${ourDatabase} and s.kind = '${kind}' and s.at >= now() - interval '${rateDays} days'
      and f.value is not null
  ),
  -- Each sample with the one before it: what was added in a stretch is the sum of its steps.
  step as (
    select object, figure, at, at - lag(at) over look as span, value - lag(value) over look as grown,
      era is not distinct from lag(era) over look and (not grows or value >= lag(value) over look) as is_same
    from figure window look as (partition by object, figure order by at)
  ),
  summed as (
    select object, figure, count(*) as samples, max(at) - min(at) as whole,
      coalesce(extract(epoch from sum(span) filter (where is_same)), 0)::float8 as seconds,
      sum(grown) filter (where is_same) as grown
    from step group by object, figure
  ),
  judged as (
    select s.*, case
      when samples < 2 then 'too-few-samples'
      when extract(epoch from whole) < ${shortest} then 'too-short'
      when seconds < ${shortest} then 'began-anew'
      when grown < 0 then 'shrank'
    end as unknown
    from summed s
  )
  select object, figure, case when unknown is null then grown / seconds * 86400 end as per_day, samples,
    case when unknown is null then seconds * 1000 else 0 end as observed_ms, unknown
  from judged
)`
    : `(
  select null::oid as object, null::text as figure, null::float8 as per_day, 0 as samples, 0::float8 as observed_ms,
    null::text as unknown
  where false
)`

/** The columns of `SampledRate`, of an alias of `ratesOf` that was joined from the left. */
export const rateColumns = ({ hasSamples }: Pick<ServerFacts, "hasSamples">, alias: string): string =>
  `coalesce(${alias}.samples, 0)::int4 as samples, coalesce(${alias}.observed_ms, 0)::float8 as "observedMs",
  case when ${alias}.object is null then '${hasSamples ? "too-few-samples" : "not-kept"}' else ${alias}.unknown end
    as unknown`

/** `c` is the relation of that name in that schema, both given as expressions. */
export const isNamed = (schema: string, name: string): string =>
  `c.relname = ${name} and c.relnamespace = (select n.oid from pg_namespace n where n.nspname = ${schema})`

export const rateNotes = ({ hasSamples }: Pick<ServerFacts, "hasSamples">): ReadonlyArray<string> =>
  hasSamples ? [] : ["Rates and dates are unknown: no samples are kept here, or this role may not read them"]

/** The instant of the question by the database's clock, in milliseconds since the epoch. */
export const askedMs = "(extract(epoch from now()) * 1000)::float8"

/** The last instant whose ISO form has a year of four digits. */
const lastInstant = Date.UTC(9999, 11, 31)

/** The ISO instant so much later; null for never, and after the year 9999. */
export const instantAfter = (asked: number, inMs: number | null): string | null =>
  inMs === null || asked + inMs > lastInstant ? null : DateTime.formatIso(DateTime.makeUnsafe(asked + inMs))
