/**
 * Says what the query cache can promise on this database, table by table, and what to do where it cannot.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { changeLogPresent, type ChangeLogState, changeLogState } from "../catalog/changeLogState.ts"
import { definitionsTracked } from "../catalog/relationFacts.ts"
import { relationTables } from "../catalog/relationTables.ts"
import { DbConfig } from "../config/DbConfig.ts"
import { Database } from "../connection/Database.ts"
import { type Bypass, Optimizer, type TableReport } from "./Optimizer.ts"

export interface CacheDiagnosis {
  /** `bounded`: an answer has every commit of `stalenessMs` before. `ttl`: only its age is bounded. */
  readonly guarantee: "bounded" | "ttl" | "none"
  readonly stalenessMs: number | null
  /** `null` where there is none. */
  readonly log: null | {
    readonly bytes: number
    readonly rows: number
    readonly sweptAt: string | null
    /** Changed definitions are noted in it; else they are found within a second. */
    readonly definitions: boolean
  }
  readonly tables: ReadonlyArray<TableReport>
  /** What would become of the query that was asked about. */
  readonly query: null | { readonly tables: ReadonlyArray<string>; readonly bypass: Bypass | null }
  /** What to do, the most important first. Empty when nothing is wrong. */
  readonly advice: ReadonlyArray<string>
}

const describeLog = Effect.gen(function*() {
  const database = yield* Database
  const ask = <A extends object>(text: string) =>
    Effect.map(
      database.query((db) => db.execute<A & Record<string, unknown>>(sql.raw(text))),
      ({ rows: [row] }) => row
    )
  const there = yield* ask<{ present: boolean }>(changeLogPresent)
  if (there?.present !== true) return null
  const state = yield* ask<ChangeLogState>(changeLogState)
  const found = yield* ask<{ definitions: boolean }>(definitionsTracked)
  return {
    bytes: Number(state?.bytes ?? 0),
    rows: Number(state?.rows ?? 0),
    sweptAt: state?.sweptAt ?? null,
    definitions: found?.definitions === true
  }
})

/** Reads only; the query is not run. */
export const diagnose = Effect.fn("CacheDoctor.diagnose")(function*(query?: string) {
  const { cacheFeed, cacheStaleness } = yield* DbConfig
  const optimizer = yield* Optimizer
  const log = yield* describeLog
  const tables = yield* optimizer.tables
  const guarantee = cacheFeed === "none" ? "ttl" : log === null ? "none" : "bounded"
  const { relations } = yield* Database
  const ours = new Set(relationTables(relations))
  const untracked = tables.filter(({ bypass, name }) => bypass === "untracked" && ours.has(name)).map(({ name }) =>
    name
  )
  const advice: Array<string> = []
  if (guarantee === "none") advice.push("there is no change log, so nothing is cached: run emsdb init")
  else if (guarantee === "bounded") {
    if (untracked.length > 0) {
      advice.push(
        `not under the change log: ${untracked.join(", ")}; run emsdb init, or select ems_internal.track('<table>')`
      )
    }
    if (log?.definitions === false) {
      advice.push(
        "changed definitions are only found within a second: run emsdb init as a superuser to have them noted"
      )
    }
  }
  return {
    guarantee,
    stalenessMs: guarantee === "bounded" ? cacheStaleness : null,
    log,
    tables,
    query: query === undefined ? null : yield* optimizer.explain(query),
    advice
  } satisfies CacheDiagnosis
})
