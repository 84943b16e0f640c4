import { type Activity, activity } from "@ems/db-core/catalog/activity"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { SessionSignalError } from "@ems/db-core/maintenance/SessionSignalError"
import { signal, type SignalRequest } from "@ems/db-core/maintenance/SessionSignals"
import { SessionSignalled } from "@ems/schema/contract/SessionSignal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Api } from "../api/Api.ts"
import * as remoteSessions from "../api/remoteSessions.ts"
import { Findings } from "../Findings.ts"
import { duration, elapsed, print } from "../Output.ts"
import { confirm, line } from "../Questions.ts"
import { plain } from "../Table.ts"
import { audited, withAccess } from "./Audited.ts"
import { either, type SourceFlags } from "./Source.ts"

interface SignalFlags extends SourceFlags {
  readonly pid: number
  readonly reason: Option.Option<string>
  readonly json: boolean
}

interface KillFlags extends SignalFlags {
  readonly yes: boolean
}

/** Of a session, what says which one it is and what it does. */
type Known = Pick<
  Activity,
  "application" | "backendStart" | "pid" | "query" | "state" | "transactionMs" | "user"
>

/** What an on-call engineer wants to know of a session before it is ended. */
const describe = ({ application, pid, query, state, transactionMs, user }: Known): string =>
  plain(
    `pid ${pid} (${[user, application, state].filter((text) => text !== null && text !== "").join(", ")})${
      transactionMs === null ? "" : `, in a transaction for ${elapsed(transactionMs)}`
    }${query === null ? "" : `: ${query.slice(0, 200)}`}`
  )

/** Sessions, and what can be done to them: on the database itself, or through an API. */
interface Sessions<E, R, E2, R2> {
  readonly find: (pid: number) => Effect.Effect<
    {
      readonly session: Known | undefined
      /** Why nobody knows. */
      readonly unavailable: { readonly because: string; readonly text: string } | null
    },
    E,
    R
  >
  readonly signal: (request: SignalRequest, reason: string | undefined) => Effect.Effect<SessionSignalled, E2, R2>
}

/** The API does not do it without a reason, which it writes into its audit log. */
const remote = (api: Api) => ({
  find: (pid: number) => remoteSessions.find(api, pid),
  signal: (request: SignalRequest, reason = "") => remoteSessions.signal(api, { ...request, reason })
})

const local = {
  find: (pid: number) =>
    Effect.map(Catalog.use(({ read }) => read(activity)), (answer) =>
      answer.isAvailable
        ? { unavailable: null, session: answer.rows.find((row) => row.pid === pid) }
        : { unavailable: answer.unavailable, session: undefined }),
  signal: (request: SignalRequest, reason: string | undefined) =>
    audited({ action: `session.${request.action}`, target: `pid ${request.pid}`, reason }, signal(request))
}

const sessionOf = Effect.fnUntraced(function*<E, R, E2, R2>(sessions: Sessions<E, R, E2, R2>, pid: number) {
  const { session, unavailable } = yield* sessions.find(pid)
  // An embedded database has one session: that of who asks.
  if (unavailable !== null && unavailable.because !== "backend") {
    return yield* new Findings({ verdict: "findings", text: unavailable.text })
  }
  return session ?? (yield* SessionSignalError.of(pid, { _tag: "UnknownSession" }))
})

const said = ({ action, isOver, pid, state, user, waitedMs }: SessionSignalled): string =>
  plain(
    `pid ${pid} (${[user, state].filter((text) => text !== null).join(", ")}): ${
      isOver
        ? `${action === "cancel" ? "its statement is over" : "the session is gone"}, after ${duration(waitedMs)}`
        : `was told to end, and goes on after ${duration(waitedMs)}`
    }`
  )

const send = Effect.fnUntraced(function*<E, R, E2, R2>(
  sessions: Sessions<E, R, E2, R2>,
  request: SignalRequest,
  reason: string | undefined,
  json: boolean
) {
  const done = yield* sessions.signal(request, reason)
  yield* print(SessionSignalled, done, { json, lines: [said(done)] })
  if (!done.isOver) return yield* new Findings({ verdict: "findings" })
})

/** A number alone could mean another session by then: which one it is was seen before. */
const requestOf = (action: SignalRequest["action"], { backendStart, pid }: Known): SignalRequest => ({
  action,
  pid,
  ...(backendStart === null ? {} : { backendStart })
})

const cancel = Effect.fnUntraced(function*<E, R, E2, R2>(
  sessions: Sessions<E, R, E2, R2>,
  { api, json, pid, reason }: SignalFlags
) {
  const session = yield* sessionOf(sessions, pid)
  const why = Option.isSome(api) && Option.isNone(reason)
    ? yield* line(`Why is what ${describe(session)} runs to be cancelled?`, "--reason")
    : Option.getOrUndefined(reason)
  yield* send(sessions, requestOf("cancel", session), why, json)
})

const kill = Effect.fnUntraced(function*<E, R, E2, R2>(
  sessions: Sessions<E, R, E2, R2>,
  { json, pid, reason, yes }: KillFlags
) {
  const session = yield* sessionOf(sessions, pid)
  const why = Option.isSome(reason)
    ? reason.value
    : yield* line(`Why is ${describe(session)} to be ended?`, "--reason")
  yield* confirm(`End ${describe(session)}? Its transaction is rolled back.`, { yes })
  yield* send(sessions, requestOf("terminate", session), why, json)
})

export const runCancel = Effect.fn("emsdb.cancel")(function*(flags: SignalFlags) {
  yield* either(flags, (api) => cancel(remote(api), flags), withAccess(cancel(local, flags)))
})

export const runKill = Effect.fn("emsdb.kill")(function*(flags: KillFlags) {
  yield* either(flags, (api) => kill(remote(api), flags), withAccess(kill(local, flags)))
})
