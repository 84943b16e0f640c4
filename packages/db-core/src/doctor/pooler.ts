/**
 * The pooler: whether there is one, whatever the URL says, and whether the way past it leads to the same server.
 *
 * Two signs. The process id that a client is given for cancelling is the server's, unless a proxy gave out its own. And
 * two sessions that are both open have two server processes, unless a pooler lends one process for each transaction:
 * that one is certain, and only seen when the pooler happens to lend the same one, which with few clients it does.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { type ServerIdentity, serverIdentity } from "../catalog/serverIdentity.ts"
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { Target } from "../config/DbUrl.ts"
import { capabilitiesOf } from "../driver/Capabilities.ts"
import { login } from "../driver/probe/Login.ts"
import type { Session } from "../driver/Session.ts"
import type { DbError } from "../errors/DbError.ts"
import { type Conversation, converse } from "./Conversation.ts"
import { type Complaint, failed, judged, ok, type Outcome, type Seen } from "./Step.ts"

interface Other {
  readonly identity: ServerIdentity
  readonly talk: Conversation
}

/** One more session; closed with the scope. */
const another = (config: DbConfigShape, target: Target): Effect.Effect<Other, DbError, Scope.Scope> =>
  Effect.gen(function*() {
    const { opened } = yield* login(config, target)
    const session = yield* Effect.fromResult(opened)
    const talk = yield* converse(session, capabilitiesOf(target).backend, config.connectTimeout)
    return { talk, identity: yield* talk.one(serverIdentity) }
  })

const isProxied = (session: Session, { pid }: ServerIdentity): boolean => session.backendPid !== pid

/** Asked in turns: a pooler lends what came back last. */
const isLent = (talk: Conversation, config: DbConfigShape): Effect.Effect<boolean, DbError, Scope.Scope> =>
  Effect.gen(function*() {
    const { talk: second } = yield* another(config, config.target)
    const pids = yield* Effect.forEach([talk, second, talk, second], ({ one }) => one(serverIdentity))
    const of = (rest: number) => pids.filter((_, at) => at % 2 === rest).map(({ pid }) => pid)
    const first = new Set(of(0))
    return of(1).some((pid) => first.has(pid))
  })

interface Way {
  readonly seen: Seen
  /** What makes it unusable: it would work on something else. */
  readonly fault: Complaint | undefined
  readonly complaints: ReadonlyArray<Complaint>
}

/** Whether EMS_DIRECT_URL leads to the same server and database. */
const wayPast = (
  config: DbConfigShape,
  direct: Target,
  here: ServerIdentity
): Effect.Effect<Way, never, Scope.Scope> =>
  Effect.map(Effect.result(another(config, direct)), (opened): Way => {
    if (Result.isFailure(opened)) {
      return {
        seen: { direct: "no connection" },
        fault: undefined,
        complaints: [{
          summary: `the direct way cannot be taken: ${opened.failure.reason.message}`,
          advice: "correct EMS_DIRECT_URL: emsdb doctor, with it as DATABASE_URL, says what is wrong with it"
        }]
      }
    }
    const { identity: there, talk } = opened.success
    const advice = "correct EMS_DIRECT_URL: the server behind the pooler, and the same database"
    if (there.systemIdentifier !== here.systemIdentifier) {
      const summary = "the direct way leads to another server: migrations and maintenance would work on that one"
      return { seen: { direct: "another server" }, fault: { summary, advice }, complaints: [] }
    }
    if (there.databaseOid !== here.databaseOid) {
      const summary = `the direct way leads to another database, ${there.database}`
      return { seen: { direct: "another database" }, fault: { summary, advice }, complaints: [] }
    }
    if (there.startedAt !== here.startedAt) {
      return {
        seen: { direct: "another server of the cluster" },
        fault: undefined,
        complaints: [{
          summary: `the direct way leads to another server of the same cluster${there.isStandby ? ", a standby" : ""}`,
          advice: "let EMS_DIRECT_URL name the primary, as the pooler does"
        }]
      }
    }
    return {
      seen: { direct: "the same server" },
      fault: undefined,
      // Neon's proxy gives out keys of its own on every way, and is no pooler.
      complaints: direct.kind === "tcp" && isProxied(talk.session, there)
        ? [{
          summary: "the direct way goes through a proxy as well",
          advice: "let EMS_DIRECT_URL name the server itself: its own port, mostly 5432"
        }]
        : []
    }
  })

const modeOf = (target: Target, isProxied: boolean, isLent: boolean): string => {
  if (isLent) return "transaction: a server session for each transaction"
  if (target.kind === "neon") return isProxied ? "none seen behind Neon's proxy" : "none"
  return isProxied ? "a proxy, or a pooler that lends for a whole session" : "none"
}

export const pooler = (
  talk: Conversation,
  config: DbConfigShape
): Effect.Effect<Outcome, DbError, Scope.Scope> =>
  Effect.gen(function*() {
    const { direct, target } = config
    const here = yield* talk.one(serverIdentity)
    const lent = yield* isLent(talk, config)
    const proxied = isProxied(talk.session, here)
    const way = direct === undefined || direct === target ? undefined : yield* wayPast(config, direct, here)
    const seen = {
      isDeclared: target.pooled,
      mode: modeOf(target, proxied, lent),
      ...way?.seen
    }
    if (way?.fault !== undefined) return failed(way.fault.summary, seen, way.fault.advice)
    if (lent && !target.pooled) {
      return failed(
        "there is a pooler in transaction mode, and the URL does not say so: settings, locks and prepared statements " +
          "would reach other clients",
        seen,
        "add pgbouncer=true to DATABASE_URL, and set EMS_DIRECT_URL to the server behind the pooler"
      )
    }
    const complaints = [
      ...(target.pooled && direct === undefined
        ? [{
          summary: "the way past the pooler is not known: migrations, maintenance and LISTEN cannot work",
          advice: "set EMS_DIRECT_URL to the server behind the pooler"
        }]
        : []),
      ...(way?.complaints ?? [])
    ]
    const hints = target.pooled && !lent && !proxied
      ? ["the URL says that there is a pooler, and none was seen: without pgbouncer=true sessions can do more"]
      : []
    if (complaints.length > 0 || target.pooled) {
      return judged("a pooler, and the way past it leads to the same server", seen, complaints, hints)
    }
    return ok(proxied ? "a proxy is in between, and no pooler was seen" : "none: sessions are the server's own", seen)
  })
