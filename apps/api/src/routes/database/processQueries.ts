/** Queries as this process saw them, as the contract has them. */
import type { PageQuery } from "@ems/db-core/catalog/AnswerPage"
import type { Plan, PlanHistory, PlanNode } from "@ems/db-core/optimizer/statistics/PlanShape"
import type { Order, QueryFigures } from "@ems/db-core/optimizer/statistics/QueryFigures"
import type { PageOptions } from "@ems/db-core/optimizer/statistics/QueryPage"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import type { Window } from "@ems/db-core/optimizer/statistics/Windows"
import type { ProcessQuery, ProcessQueryDetail, QueryPlan, QueryWindow } from "@ems/schema/contract/Queries"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { badQuery } from "../../http/Refusal.ts"

const windows: { readonly [W in QueryWindow]: Window } = { "1m": "minute", "1h": "hour", "24h": "day", all: "all" }

/** Nodes of a plan that are shown: with thousands of partitions it has thousands. */
const mostNodes = 200

export const instant = (ms: number): string => DateTime.formatIso(DateTime.makeUnsafe(ms))

const queryOf = (known: QueryFigures): ProcessQuery => ({
  ...known,
  name: known.name ?? null,
  operation: known.operation ?? null,
  firstSeen: instant(known.firstSeen),
  lastSeen: instant(known.lastSeen),
  errorReasons: Object.fromEntries(Object.entries(known.errorReasons))
})

const flattened = (node: PlanNode, depth = 0): ReadonlyArray<QueryPlan["nodes"][number]> => [
  {
    depth,
    type: node.type,
    joinType: node.joinType ?? null,
    relation: node.relation ?? null,
    index: node.index ?? null,
    startupCost: node.startupCost,
    totalCost: node.totalCost,
    rows: node.rows
  },
  ...node.children.flatMap((child) => flattened(child, depth + 1))
]

const planOf = ({ at, root, shape }: Plan): QueryPlan => {
  const nodes = flattened(root)
  return { shape, at: instant(at), nodes: nodes.slice(0, mostNodes), nodeCount: nodes.length }
}

const plansOf = ({ latest, previous, since }: PlanHistory) => ({
  latest: planOf(latest),
  since: instant(since),
  previous: previous === undefined ? null : planOf(previous)
})

const orders: ReadonlyArray<Order> = ["total", "calls", "mean", "p50", "p95", "p99", "max", "rows", "errors"]

/** What `sort` asks for; undefined for what the process does not know. */
const orderOf = (sort: string): Pick<PageOptions, "by" | "isUp"> | undefined => {
  const isUp = !sort.startsWith("-")
  const by = orders.find((order) => order === (isUp ? sort : sort.slice(1)))
  return by === undefined ? undefined : { by, isUp }
}

/** A page of all that ran in the window. Fails with `Refused` for a column that the process does not know. */
export const processQueries = Effect.fnUntraced(
  function*(window: QueryWindow, sort: string, { limit = 50, offset = 0 }: Pick<PageQuery<never>, "limit" | "offset">) {
    const order = orderOf(sort)
    if (order === undefined) return yield* badQuery("sort", `one of ${orders.join(", ")}, with or without - before it`)
    const { page } = yield* QueryStatistics
    const { rows, total } = yield* page({ window: windows[window], ...order, limit, offset })
    return { items: rows.map(queryOf), total, limit, offset, unavailable: null, notes: [] }
  }
)

export const processQuery = (
  id: string,
  window: QueryWindow
): Effect.Effect<typeof ProcessQueryDetail.Type | undefined, never, QueryStatistics> =>
  QueryStatistics.use(({ get }) => get(id, windows[window])).pipe(
    Effect.map((known) =>
      known === undefined ? undefined : {
        ...queryOf(known),
        callers: known.callers,
        plan: known.plan === undefined ? null : plansOf(known.plan)
      }
    )
  )
