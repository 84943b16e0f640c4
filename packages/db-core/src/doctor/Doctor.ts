/**
 * Connects step by step and says what is wrong and how to mend it. After a step that failed, those that rest on it are
 * skipped. Each step ends within `DbConfig.connectTimeout`; nothing is changed, and nothing is left open.
 *
 * Unlike errors and logs, the report names host, port, database and user: whoever asks why a connection fails needs
 * them, and it goes to nobody else. Passwords and URLs are not in it either.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { DbConfigError } from "../config/DbConfigError.ts"
import type { Target } from "../config/DbUrl.ts"
import { capabilitiesOf } from "../driver/Capabilities.ts"
import type { Address } from "../driver/probe/Addresses.ts"
import type { DbError } from "../errors/DbError.ts"
import { dns, tcp } from "./addresses.ts"
import { authentication } from "./authentication.ts"
import { clock, roundTrip } from "./clock.ts"
import { configuration, unusable } from "./configuration.ts"
import { type Conversation, converse } from "./Conversation.ts"
import { directory } from "./directory.ts"
import { type Endpoint, endpointOf } from "./Endpoint.ts"
import { extensions } from "./extensions.ts"
import { pooler } from "./pooler.ts"
import { role } from "./role.ts"
import { server } from "./server.ts"
import { failed, type Outcome, skipped, type StepName, stepNames, type StepReport } from "./Step.ts"
import { timeouts } from "./timeouts.ts"
import { tls } from "./tls.ts"
import { webSocket } from "./webSocket.ts"

export interface DoctorReport {
  /** When it was begun, in UTC. */
  readonly timestamp: string
  /** `misconfigured` and `unreachable`: no session could be opened. `findings`: one could, and something is wrong. */
  readonly verdict: "ok" | "findings" | "unreachable" | "misconfigured"
  readonly steps: ReadonlyArray<StepReport>
  readonly durationMs: number
}

/** What each step rests on. */
const needs: Readonly<Record<StepName, ReadonlyArray<StepName>>> = {
  configuration: [],
  directory: ["configuration"],
  dns: ["configuration"],
  tcp: ["dns"],
  tls: ["tcp"],
  webSocket: ["tls"],
  authentication: ["directory", "webSocket"],
  server: ["authentication"],
  role: ["authentication"],
  extensions: ["authentication"],
  pooler: ["authentication"],
  timeouts: ["authentication"],
  clock: ["authentication"],
  roundTrip: ["authentication"]
}

/** What the steps before found out. */
interface Findings {
  readonly config: DbConfigShape
  readonly endpoint: Endpoint
  addresses: ReadonlyArray<Address>
  address: Address | undefined
  talk: Conversation | undefined
}

type Step = (found: Findings) => Effect.Effect<Outcome, DbError, Scope.Scope>

const onNetwork = ({ kind }: Pick<Target, "kind">): string | undefined =>
  kind === "embedded" ? "the database is embedded" : undefined

/** Why a step is not for this way to a database; nothing for those that always are. */
const inapplicable: Readonly<Partial<Record<StepName, (target: Target) => string | undefined>>> = {
  directory: ({ kind }) => kind === "embedded" ? undefined : "the database is a server",
  dns: onNetwork,
  tcp: onNetwork,
  tls: onNetwork,
  webSocket: ({ kind }) => kind === "neon" ? undefined : onNetwork({ kind }) ?? "the transport is TCP",
  pooler: onNetwork
}

const onAddress = (step: (found: Findings, address: Address) => Effect.Effect<Outcome>): Step => (found) =>
  found.address === undefined ? Effect.succeed(skipped("there is no address")) : step(found, found.address)

/** Also a step that opens further sessions, or asks several questions, is over in time. */
const inSession = (
  step: (talk: Conversation, config: DbConfigShape) => Effect.Effect<Outcome, DbError, Scope.Scope>
): Step =>
({ config, talk }) =>
  talk === undefined || talk.session.isLost
    ? Effect.succeed(skipped("the session was lost"))
    : Effect.timeoutOrElse(Effect.scoped(step(talk, config)), {
      duration: config.connectTimeout,
      orElse: () =>
        Effect.succeed(failed(
          `no answer within ${config.connectTimeout} ms`,
          {},
          "look at the server's load, or raise EMS_CONNECT_TIMEOUT_MS"
        ))
    })

const steps: Readonly<Record<StepName, Step>> = {
  configuration: ({ config }) => Effect.sync(() => configuration(config)),
  directory: ({ config: { target } }) => directory(target.directory),
  dns: (found) =>
    Effect.map(dns(found.endpoint, found.config.connectTimeout), ({ addresses, outcome }) => {
      found.addresses = addresses
      return outcome
    }),
  tcp: (found) =>
    Effect.map(tcp(found.endpoint, found.addresses, found.config.connectTimeout), ({ address, outcome }) => {
      found.address = address
      return outcome
    }),
  tls: onAddress(({ config, endpoint }, address) => tls(config.target, endpoint, address, config.connectTimeout)),
  webSocket: onAddress(({ config, endpoint }, address) => webSocket(endpoint, address, config.connectTimeout)),
  authentication: (found) =>
    Effect.gen(function*() {
      const { config } = found
      const { outcome, session } = yield* authentication(config, config.target)
      if (session !== undefined) {
        found.talk = yield* converse(session, capabilitiesOf(config.target).backend, config.connectTimeout)
      }
      return outcome
    }),
  server: inSession(server),
  role: inSession(role),
  extensions: inSession(extensions),
  pooler: inSession(pooler),
  timeouts: inSession(timeouts),
  clock: inSession(clock),
  roundTrip: inSession(roundTrip)
}

const unanswered = ({ message, reason }: DbError): Outcome =>
  failed(
    message,
    reason.sqlState === undefined ? {} : { sqlState: reason.sqlState },
    "look at the server's log of this moment"
  )

const verdictOf = (reports: ReadonlyArray<StepReport>): DoctorReport["verdict"] => {
  const statusOf = (name: StepName) => reports.find((report) => report.name === name)?.status
  if (statusOf("configuration") === "failed") return "misconfigured"
  const authenticated = statusOf("authentication")
  if (authenticated === "failed" || authenticated === "skipped") return "unreachable"
  return reports.some(({ status }) => status === "warning" || status === "failed") ? "findings" : "ok"
}

/** All steps, in their order. */
const run = (
  configured: Result.Result<DbConfigShape, DbConfigError>
): Effect.Effect<ReadonlyArray<StepReport>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const found: Findings | undefined = Result.isFailure(configured) ? undefined : {
      config: configured.success,
      endpoint: endpointOf(configured.success, configured.success.target),
      addresses: [],
      address: undefined,
      talk: undefined
    }
    /** Of a step that failed, or rests on one that did: the one that failed. */
    const broken = new Map<StepName, StepName>()
    const reports: Array<StepReport> = []
    for (const name of stepNames) {
      const origin = needs[name].map((need) => broken.get(need)).find((one) => one !== undefined)
      const why = found === undefined ? undefined : inapplicable[name]?.(found.config.target)
      const take: Effect.Effect<Outcome, never, Scope.Scope> = why !== undefined
        ? Effect.succeed(skipped(`not applicable: ${why}`))
        : origin !== undefined
        ? Effect.succeed(skipped(`needs ${origin}, which failed`))
        : found === undefined
        ? Effect.sync(() => Result.isFailure(configured) ? unusable(configured.failure) : skipped(""))
        : Effect.catch(steps[name](found), (error) => Effect.succeed(unanswered(error)))
      const [took, outcome] = yield* Effect.timed(take)
      if (origin !== undefined) broken.set(name, origin)
      else if (outcome.status === "failed") broken.set(name, name)
      reports.push({ name, ...outcome, durationMs: Duration.toMillis(took) })
    }
    return reports
  })

/** Never fails: what is wrong is what it says. `configured` are the settings, or why there are none. */
export const examine = (configured: Result.Result<DbConfigShape, DbConfigError>): Effect.Effect<DoctorReport> =>
  Effect.gen(function*() {
    const now = yield* DateTime.now
    const [took, reports] = yield* Effect.timed(Effect.scoped(run(configured)))
    return {
      timestamp: DateTime.formatIso(now),
      verdict: verdictOf(reports),
      steps: reports,
      durationMs: Duration.toMillis(took)
    }
  })
