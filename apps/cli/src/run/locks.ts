import { type BlockingColumn, blockingReport } from "@ems/db-core/catalog/BlockingReport"
import { Blocking } from "@ems/schema/contract/Blocking"
import * as Effect from "effect/Effect"
import { count, elapsed } from "../Output.ts"
import { plain } from "../Table.ts"
import { type ListFlags, printPage, queryOf } from "./List.ts"
import { answer } from "./Source.ts"

type Root = Blocking["items"][number]
type Waiter = Root["waiters"][number]

/** How far below its root a waiter is shown: a queue of hundreds is a line, and would leave the screen. */
const deepest = 12

const whoIs = ({ application, backendType, pid, state, user }: Root | Waiter): string => {
  const known = [user, application, state ?? backendType].filter((text) => text !== null && text !== "")
  return `${pid === 0 ? "a prepared transaction" : `pid ${pid}`}${known.length === 0 ? "" : ` (${known.join(", ")})`}`
}

const statement = ({ query }: Root | Waiter, indent: string): ReadonlyArray<string> =>
  query === null ? [] : [`${indent}  ${query}`]

const waiterLines = (waiter: Waiter): ReadonlyArray<string> => {
  const { behind, behindPrepared, depth, isRepeated, lockMode, lockObject, lockType, waitedMs } = waiter
  const indent = "  ".repeat(Math.min(depth, deepest))
  const lock = lockMode === null
    ? ""
    : `, wants ${lockMode} on ${[lockType, lockObject].filter((text) => text !== null).join(" ")}`
  return [
    `${indent}${whoIs(waiter)} waits${waitedMs === null ? "" : ` since ${elapsed(waitedMs)}`} behind ${
      behindPrepared.length > 0 ? `prepared ${behindPrepared.join(", ")}` : `pid ${behind}`
    }${lock}${isRepeated ? ", and is shown above" : ""}`,
    ...statement(waiter, indent)
  ]
}

const rootLines = (root: Root): ReadonlyArray<string> => {
  const { longestWaitMs, transactionMs, victims, waiters } = root
  const below = waiters.flatMap(waiterLines)
  return [
    `${whoIs(root)} holds up ${count(victims, "session")}${
      longestWaitMs === null ? "" : `, one for ${elapsed(longestWaitMs)}`
    }${transactionMs === null ? "" : `; its transaction is open for ${elapsed(transactionMs)}`}`,
    ...statement(root, ""),
    ...below,
    ...(waiters.length < victims ? [`  only the first ${waiters.length} are shown`] : [])
  ]
}

export const runLocks = Effect.fn("emsdb.locks")(function*(flags: ListFlags<BlockingColumn>) {
  const query = queryOf(flags)
  const question = { contract: Blocking, path: "api/db/blocking", query }
  const page: Blocking = yield* answer(flags, question, blockingReport(query))
  const cycles = page.cycles.map((pids) =>
    `deadlock that Postgres has not found yet: ${[...pids, pids[0]].join(" -> ")}`
  )
  // Names of applications are anybody's to choose; the spaces in front are ours.
  const rows = [...page.items.flatMap(rootLines), ...cycles]
    .map((line) => `${/^ */.exec(line)?.[0] ?? ""}${plain(line)}`)
  yield* printPage(Blocking, page, {
    json: flags.json,
    empty: cycles.length === 0 ? "nobody waits for a lock" : cycles.join("\n"),
    rows
  })
})
