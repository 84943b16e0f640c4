/**
 * Asks for all parts of a report, one after the other: a server in trouble is not asked many things at once. What a part
 * fails with is said in its place.
 */
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { statusReport } from "@ems/db-core/maintenance/StatusReport"
import type { Report } from "@ems/schema/contract/Report"
import type { Unavailable } from "@ems/schema/contract/Unavailable"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type CommandError, ofCause } from "../Failure.ts"
import { blocking, connections, queries, transactions } from "./parts/activity.ts"
import { findings, settings } from "./parts/findings.ts"
import { migrations } from "./parts/migrations.ts"
import { indexes, space, tables, vacuum } from "./parts/storage.ts"

const failed = (cause: Cause.Cause<CommandError>): Unavailable => ({
  because: "failed",
  // As a command says it: one line, no URL, nothing of a defect.
  text: ofCause(cause).text ?? "it failed"
})

/** A defect too is no reason to lose what the other parts know. An interruption ends the report. */
const part = <A, R>(effect: Effect.Effect<A, CommandError, R>) =>
  Effect.matchCauseEffect(effect, {
    onSuccess: (content) => Effect.succeed({ content, unavailable: null }),
    onFailure: (cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.failCause(cause)
        : Effect.as(Effect.logDebug("a part of the report failed", cause), {
          content: null,
          unavailable: failed(cause)
        })
  })

/** Each check runs once, and every part has the same answer: their counts must agree. */
const withChecksOnce = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const catalog = yield* Catalog
  const all = yield* Effect.cached(catalog.checks())
  return yield* Effect.provideService(effect, Catalog, {
    ...catalog,
    checks: ({ only } = {}) =>
      Effect.map(all, (results) => results.filter(({ name }) => only === undefined || only.includes(name)))
  })
})

const parts = Effect.gen(function*() {
  return {
    status: yield* part(statusReport),
    findings: yield* part(findings),
    queries: yield* part(queries),
    blocking: yield* part(blocking),
    transactions: yield* part(transactions),
    connections: yield* part(connections),
    tables: yield* part(tables),
    space: yield* part(space),
    indexes: yield* part(indexes),
    vacuum: yield* part(vacuum),
    settings: yield* part(settings),
    migrations: yield* part(migrations)
  }
})

/** Fails only where the database cannot be reached at all. */
export const gather = Effect.gen(function*() {
  const { database, version } = yield* Catalog.use(({ server }) => server)
  const timestamp = DateTime.formatIso(yield* DateTime.now)
  return { timestamp, database, version, parts: yield* withChecksOnce(parts) } satisfies Report
})
