/** What happens now: statements, locks, transactions, connections. */
import { pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { rowsOf, unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { blockingReport } from "@ems/db-core/catalog/BlockingReport"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { connectionLimits, connections as connectionGroups } from "@ems/db-core/catalog/connections"
import { longTransactions } from "@ems/db-core/catalog/longTransactions"
import * as StatementDeltas from "@ems/db-core/catalog/StatementDeltas"
import { statementReport } from "@ems/db-core/catalog/StatementReport"
import * as Effect from "effect/Effect"
import { most } from "./most.ts"

/** Who asks for a report wants what ran until now in it. Milliseconds. */
const sinceLastLook = 1000

export const queries = Effect.andThen(
  // Where nothing can be kept, the report says what is known.
  Effect.ignore(StatementDeltas.sample({ intervalMs: sinceLastLook })),
  statementReport("24h", { limit: most, sort: "-total" })
)

/** `victims` says of each root how many there are. */
export const blocking = Effect.map(blockingReport({ limit: most, sort: "-victims" }), (page) => ({
  ...page,
  items: page.items.map((root) => ({ ...root, waiters: root.waiters.slice(0, most) })),
  cycles: page.cycles.slice(0, most)
}))

export const transactions = Effect.map(
  Catalog.use(({ read }) => read(longTransactions)),
  (answer) => pageOfAnswer(answer, { limit: most, sort: "-age" }, { age: ({ transactionMs }) => transactionMs })
)

export const connections = Effect.gen(function*() {
  const { read } = yield* Catalog
  const groups = yield* read(connectionGroups)
  const limits = yield* read(connectionLimits)
  return {
    ...pageOfAnswer(groups, { limit: most, sort: "-count" }, { count: ({ count }) => count }),
    // The server's own before those of single roles and databases.
    limits: rowsOf(limits).toSorted((a, b) => Number(b.kind === "server") - Number(a.kind === "server")).slice(0, most),
    unavailableParts: unavailableParts({ limits })
  }
})
