import { diagnose } from "@ems/db-core/optimizer/CacheDoctor"
import { CacheDiagnosis } from "@ems/schema/contract/Cache"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Findings } from "../Findings.ts"
import { count, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

const promises = {
  bounded: (ms: number | null) => `an answer has every commit older than ${ms} ms`,
  ttl: () => "nothing but the age of an answer is bounded",
  none: () => "nothing is cached"
}

/** What a reason means to the person who reads it. */
const reasons: Readonly<Record<string, string>> = {
  untracked: "its writes are not noted",
  row_security: "row security: cached with the settings that its policies read in `scope`",
  relation: "no ordinary table",
  volatile: "depends on the time or on chance",
  session: "depends on who asks",
  user_function: "calls a function that may read tables: name them in `tables`",
  catalog: "reads Postgres's catalogs",
  writes: "writes, or locks rows",
  no_table: "reads no table",
  undecided: "Postgres cannot parse it",
  ambiguous: "may be read in two ways"
}

const because = (bypass: string | null): string =>
  bypass === null ? "cached" : `not cached: ${reasons[bypass] ?? bypass}`

const lines = ({ advice, guarantee, log, query, stalenessMs, tables }: CacheDiagnosis): ReadonlyArray<string> => [
  `guarantee: ${guarantee}, ${promises[guarantee](stalenessMs)}`,
  log === null
    ? "change log: none"
    : `change log: ${count(log.rows, "change")}, ${Math.ceil(log.bytes / 1024)} KiB, last swept ${
      log.sweptAt ?? "never"
    }`,
  ...tables.map(({ bypass, name }) => `table ${name}: ${because(bypass)}`),
  ...(query === null ? [] : [
    `query: ${because(query.bypass)}${query.tables.length === 0 ? "" : `, until ${query.tables.join(", ")} is written`}`
  ]),
  ...advice.map((text) => `to do: ${text}`)
]

export const runCacheDoctor = Effect.fn("emsdb.cache.doctor")(
  function*(options: { readonly query: Option.Option<string>; readonly json: boolean }) {
    const diagnosis: CacheDiagnosis = yield* diagnose(Option.getOrUndefined(options.query))
    yield* print(CacheDiagnosis, diagnosis, { json: options.json, lines: lines(diagnosis) })
    if (diagnosis.advice.length > 0) return yield* new Findings({ verdict: "findings" })
  },
  withDatabase
)
