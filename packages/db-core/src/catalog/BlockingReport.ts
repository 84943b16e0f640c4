/** Who waits for whose locks: one page of the sessions that hold others up, each with those who wait behind it. */
import * as Effect from "effect/Effect"
import { pageOfAnswer, type PageQuery } from "./AnswerPage.ts"
import { blockingForest } from "./blockingForest.ts"
import { type BlockingTree, forestOf } from "./BlockingTrees.ts"
import { Catalog } from "./Catalog.ts"

/** Behind one root, and cycles: a queue of thousands is told by its beginning. */
const most = 200

export type BlockingColumn = "victims" | "waited"

/** Each before those who wait behind it. Without recursion: a queue is as deep as it is long. */
const waitersBehind = (root: BlockingTree) => {
  const below = ({ children, session }: BlockingTree, depth: number) =>
    children.toReversed().map((tree) => ({ tree, behind: session.pid, depth }))
  const found = []
  const open = below(root, 1)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { behind, depth, tree } = next
    const { isRepeated, session } = tree
    found.push({ ...session, depth, behind, behindPrepared: session.blockedByPrepared, isRepeated })
    open.push(...below(tree, depth + 1))
  }
  return found
}

const rootOf = (tree: BlockingTree) => {
  const waiters = waitersBehind(tree)
  const waited = waiters.flatMap(({ waitedMs }) => waitedMs ?? [])
  return {
    ...tree.session,
    victims: tree.victims,
    longestWaitMs: waited.length === 0 ? null : waited.reduce((a, b) => Math.max(a, b)),
    waiters: waiters.slice(0, most)
  }
}

export const blockingReport = (query: PageQuery<BlockingColumn>) =>
  Effect.map(Catalog.use(({ read }) => read(blockingForest)), (answer) => {
    const { cycles, roots } = forestOf(answer.isAvailable ? answer.rows : [])
    const trees = answer.isAvailable ? { ...answer, rows: roots.map(rootOf) } : answer
    return {
      ...pageOfAnswer(trees, query, {
        victims: ({ victims }) => victims,
        waited: ({ longestWaitMs }) => longestWaitMs
      }),
      cycles: cycles.slice(0, most)
    }
  })
