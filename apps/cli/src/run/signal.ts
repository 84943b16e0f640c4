import { type Activity, activity } from "@ems/db-core/catalog/activity"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { SessionSignalError } from "@ems/db-core/maintenance/SessionSignalError"
import { signal, type SignalRequest } from "@ems/db-core/maintenance/SessionSignals"
import { SessionSignalled } from "@ems/schema/contract/SessionSignal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Findings } from "../Findings.ts"
import { duration, elapsed, print } from "../Output.ts"
import { confirm, line } from "../Questions.ts"
import { plain } from "../Table.ts"
import { audited, withAccess } from "./Audited.ts"
import { withDatabase } from "./Db.ts"

interface SignalFlags {
  readonly pid: number
  readonly reason: Option.Option<string>
  readonly json: boolean
}

/** What an on-call engineer wants to know of a session before it is ended. */
const describe = ({ application, pid, query, state, transactionMs, user }: Activity): string =>
  plain(
    `pid ${pid} (${[user, application, state].filter((text) => text !== null && text !== "").join(", ")})${
      transactionMs === null ? "" : `, in a transaction for ${elapsed(transactionMs)}`
    }${query === null ? "" : `: ${query.slice(0, 200)}`}`
  )

const sessionOf = Effect.fnUntraced(function*(pid: number) {
  const answer = yield* Catalog.use(({ read }) => read(activity))
  if (!answer.isAvailable) return yield* new Findings({ verdict: "findings", text: answer.unavailable.text })
  const found = answer.rows.find((row) => row.pid === pid)
  return found ?? (yield* SessionSignalError.of(pid, { _tag: "UnknownSession" }))
})

const said = ({ action, isOver, pid, state, user, waitedMs }: SessionSignalled): string =>
  plain(
    `pid ${pid} (${[user, state].filter((text) => text !== null).join(", ")}): ${
      isOver
        ? `${action === "cancel" ? "its statement is over" : "the session is gone"}, after ${duration(waitedMs)}`
        : `was told to end, and goes on after ${duration(waitedMs)}`
    }`
  )

const send = Effect.fnUntraced(function*(request: SignalRequest, reason: string | undefined, json: boolean) {
  const { action, pid } = request
  const done: SessionSignalled = yield* audited(
    { action: `session.${action}`, target: `pid ${pid}`, reason },
    signal(request)
  )
  yield* print(SessionSignalled, done, { json, lines: [said(done)] })
  if (!done.isOver) return yield* new Findings({ verdict: "findings" })
})

/** A number alone could mean another session by then: which one it is was seen before. */
const requestOf = (action: SignalRequest["action"], { backendStart, pid }: Activity): SignalRequest => ({
  action,
  pid,
  ...(backendStart === null ? {} : { backendStart })
})

export const runCancel = Effect.fn("emsdb.cancel")(
  function*({ json, pid, reason }: SignalFlags) {
    const session = yield* sessionOf(pid)
    yield* send(requestOf("cancel", session), Option.getOrUndefined(reason), json)
  },
  withAccess,
  withDatabase
)

export const runKill = Effect.fn("emsdb.kill")(
  function*({ json, pid, reason, yes }: SignalFlags & { readonly yes: boolean }) {
    const session = yield* sessionOf(pid)
    const why = Option.isSome(reason)
      ? reason.value
      : yield* line(`Why is ${describe(session)} to be ended?`, "--reason")
    yield* confirm(`End ${describe(session)}? Its transaction is rolled back.`, { yes })
    yield* send(requestOf("terminate", session), why, json)
  },
  withAccess,
  withDatabase
)
