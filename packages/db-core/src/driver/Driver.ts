/**
 * Opens sessions to the configured server, over whichever transport its URL names.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DbConfig } from "../config/DbConfig.ts"
import type { Target } from "../config/DbUrl.ts"
import { DbError } from "../errors/DbError.ts"
import { type Capabilities, capabilitiesOf } from "./Capabilities.ts"
import { connect, type Session } from "./Session.ts"
import * as StatementLimit from "./StatementLimit.ts"
import { embedded } from "./transport/embedded.ts"
import { neon } from "./transport/neon.ts"
import { tcp } from "./transport/tcp.ts"
import type { CountingDuplex } from "./transport/WireDuplex.ts"

/** What carries the wire protocol, for those who bring their own. */
export interface Transport {
  readonly capabilities: Capabilities
  /** Opens one connection; called once for each session, and once for each CancelRequest. */
  readonly open: () => CountingDuplex
}

/** What a session outside the pool is for; shown in `application_name`. */
export type Purpose = "maintenance"

export class Driver extends Context.Service<Driver, {
  readonly capabilities: Capabilities
  /** Opens one session. Fails with `ConnectFailed`, `AuthenticationFailed`, `ComputeWaking`, … and fate `NotSent`. */
  readonly connect: Effect.Effect<Session, DbError>
  /** What a session of `direct` can do. */
  readonly directCapabilities: Capabilities
  /**
   * Opens a session past the pooler, if there is one. Fails with `Unsupported` when the way there is not known. An
   * embedded database has one session, and that is the pool's: there it fails too.
   */
  readonly direct: (purpose: Purpose) => Effect.Effect<Session, DbError>
  /**
   * Opens a session beside the pool's, through the pooler if the URL names one: for questions that each take one
   * statement and must not wait for callers. An embedded database has one session: there it fails with `Unsupported`.
   */
  readonly feed: Effect.Effect<Session, DbError>
}>()("@ems/db-core/driver/Driver") {
  /** Over the transport that the URL names. */
  static readonly layerNoDeps = () =>
    Layer.effect(
      Driver,
      Effect.gen(function*() {
        const config = yield* DbConfig
        const { direct, target } = config
        const capabilities = capabilitiesOf(target)
        for (const warning of target.warnings) yield* Effect.logWarning(warning)
        if (target.kind === "embedded") {
          const database = yield* Effect.acquireRelease(
            Effect.sync(() => embedded(target)),
            (database) => Effect.promise(() => database.close())
          )
          return {
            capabilities,
            connect: connect(config, { target, capabilities, open: database.open }),
            directCapabilities: capabilities,
            direct: () => unsupported("an embedded database has one session"),
            feed: unsupported("an embedded database has one session")
          }
        }
        const openTo = (to: Target) => to.kind === "neon" ? neon(to, config.neonProxy) : tcp(to)
        const directCapabilities = direct === undefined ? capabilities : capabilitiesOf(direct)
        return {
          capabilities,
          connect: StatementLimit.ensured(
            connect(config, { target, capabilities, open: openTo(target) }),
            capabilities,
            config.queryTimeout
          ),
          directCapabilities,
          direct: (purpose: Purpose) =>
            direct === undefined
              ? unsupported("the URL names a pooler: set EMS_DIRECT_URL to the server behind it")
              : connect(config, { target: direct, capabilities: directCapabilities, open: openTo(direct), purpose }),
          feed: connect(config, { target, capabilities, open: openTo(target), purpose: "feed" })
        }
      })
    )

  /** Over a transport of the caller's: a tunnel, or a simulated network. The URL still says database and user. */
  static readonly layerOf = ({ capabilities, open }: Transport) =>
    Layer.effect(
      Driver,
      Effect.map(DbConfig, (config) => {
        const options = { target: config.target, capabilities, open }
        return {
          capabilities,
          connect: connect(config, options),
          directCapabilities: capabilities,
          direct: (purpose) => connect(config, { ...options, purpose }),
          feed: connect(config, { ...options, purpose: "feed" })
        }
      })
    )
}

const unsupported = (why: string): Effect.Effect<never, DbError> =>
  Effect.fail(
    DbError.of("Unsupported", "NotSent", "connect", { message: `no session of its own can be opened: ${why}` })
  )
