/** Queries as the server counted them for everybody, by the hour: what `StatementDeltas` kept. */
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { type Answer, available, unavailable } from "@ems/db-core/catalog/CatalogQuery"
import * as StatementDeltas from "@ems/db-core/catalog/StatementDeltas"
import { needsStatements } from "@ems/db-core/catalog/statementTotals"
import type { QueryWindow, ServerQuery } from "@ems/schema/contract/Queries"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { badQuery } from "../../http/Refusal.ts"
import { permitted } from "./permitted.ts"

const hour = 3_600_000

const spans: { readonly [W in Exclude<QueryWindow, "1m">]: number } = {
  "1h": hour,
  "24h": 24 * hour,
  all: StatementDeltas.keptDays * 24 * hour
}

/** Of one window, at most. */
const most = 1000

const queryOf = ({ fingerprint, query, ...row }: StatementDeltas.TopStatement): ServerQuery => ({
  ...row,
  id: fingerprint,
  text: query
})

const kept = (window: Exclude<QueryWindow, "1m">) =>
  Effect.gen(function*() {
    const server = yield* Catalog.use((catalog) => catalog.server)
    // What was kept before the extension went would look as if nothing ran since.
    const lacking = needsStatements(server)
    if (lacking !== undefined) return { isAvailable: false, unavailable: lacking } satisfies Answer<ServerQuery>
    const since = (yield* Clock.currentTimeMillis) - spans[window]
    const answer = yield* StatementDeltas.top({ since, limit: most })
    if (!answer.isAvailable) return answer
    if (answer.rows.length === 0) {
      return {
        isAvailable: false,
        unavailable: unavailable("statistics", "nothing is kept of this time: the counters are looked at now and then")
      } satisfies Answer<ServerQuery>
    }
    return available(answer.rows.map(queryOf), [
      "Counted by whole hours, up to the last look at the counters",
      ...answer.rows.length < most ? [] : [`Only the ${most} that took longest are in it`]
    ])
  })

/** The dearest first. Of the last minute nobody knows: fails with `Refused`. */
export const serverQueries = (window: QueryWindow) =>
  window === "1m"
    ? Effect.fail(badQuery("window", "1h, 24h or all: the server is counted by the hour"))
    : permitted(kept(window), "the statistics of statements")
