/** `GET /api/db/cache`: what the query cache of this process does. */
import { type CacheSnapshot, Optimizer, type TableReport } from "@ems/db-core/optimizer/Optimizer"
import { Cache } from "@ems/schema/contract/Cache"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../http/Access.ts"
import * as Contract from "../http/Contract.ts"
import type { Runtime } from "../Runtime.ts"

export const cacheOf = (known: CacheSnapshot, tables: ReadonlyArray<TableReport>): Cache => ({
  enabled: known.enabled,
  guarantee: known.guarantee,
  stalenessMs: known.stalenessMs,
  reads: {
    hits: known.hits,
    revalidated: known.revalidated,
    joined: known.joined,
    shared: known.shared,
    misses: known.misses,
    bypasses: { ...known.bypasses }
  },
  hitRatio: known.hitRatio,
  savedMs: known.savedMs,
  memory: {
    entries: known.entries,
    maxEntries: known.maxEntries,
    bytes: known.bytes,
    maxBytes: known.maxBytes,
    tooLarge: known.tooLarge
  },
  feed: known.feed,
  level2: known.level2,
  queries: known.queries,
  tables
})

const report = Effect.gen(function*() {
  const optimizer = yield* Optimizer
  return cacheOf(yield* optimizer.snapshot, yield* optimizer.tables)
})

export const cache = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/cache", ({ request }) => respond(report, request), {
    response: { 200: Contract.response(Cache) },
    detail: only("viewer", "database:read", {
      summary: "The query cache",
      description: "What is answered from memory, what is not and why, and how stale an answer may be.",
      tags: ["database"]
    })
  })
