/** `GET /api/db/blocking`: who waits for whose locks. */
import { blockingForest } from "@ems/db-core/catalog/blockingForest"
import { type BlockingTree, forestOf } from "@ems/db-core/catalog/BlockingTrees"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import type { Answer } from "@ems/db-core/catalog/CatalogQuery"
import { Blocking, BlockingQuery, type BlockingRoot, type Waiter } from "@ems/schema/contract/Blocking"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { pageOfAnswer } from "../../http/Page.ts"
import type { Runtime } from "../../Runtime.ts"

type Root = typeof BlockingRoot.Type

/** Behind one root, and cycles: a queue of thousands is told by its beginning. */
const most = 200

/** Each before those who wait behind it. Without recursion: a queue is as deep as it is long. */
const waitersBehind = (root: BlockingTree): ReadonlyArray<typeof Waiter.Type> => {
  const found: Array<typeof Waiter.Type> = []
  const below = ({ children, session }: BlockingTree, depth: number) =>
    children.toReversed().map((tree) => ({ tree, behind: session.pid, depth }))
  const open = below(root, 1)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { behind, depth, tree } = next
    const { isRepeated, session } = tree
    found.push({ ...session, depth, behind, behindPrepared: session.blockedByPrepared, isRepeated })
    open.push(...below(tree, depth + 1))
  }
  return found
}

const rootOf = (tree: BlockingTree): Root => {
  const waiters = waitersBehind(tree)
  const waited = waiters.flatMap(({ waitedMs }) => waitedMs ?? [])
  return {
    ...tree.session,
    victims: tree.victims,
    longestWaitMs: waited.length === 0 ? null : waited.reduce((a, b) => Math.max(a, b)),
    waiters: waiters.slice(0, most)
  }
}

const list = (query: typeof BlockingQuery.Type) =>
  Effect.map(Catalog.use(({ read }) => read(blockingForest)), (answer) => {
    const { cycles, roots } = forestOf(answer.isAvailable ? answer.rows : [])
    const trees: Answer<Root> = answer.isAvailable ? { ...answer, rows: roots.map(rootOf) } : answer
    const page = pageOfAnswer(trees, query, {
      victims: ({ victims }) => victims,
      waited: ({ longestWaitMs }) => longestWaitMs
    })
    return { ...page, cycles: cycles.slice(0, most) } satisfies Blocking
  })

export const blocking = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/blocking", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(BlockingQuery),
    response: { 200: Contract.response(Blocking) },
    detail: only("viewer", "database:read", {
      summary: "Who waits for whose locks",
      description: "One tree for each session that others wait for and that itself waits for nobody.",
      tags: ["database"]
    })
  })
