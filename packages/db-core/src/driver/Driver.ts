/**
 * Opens sessions to the configured server, over whichever transport its URL names.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DbConfig } from "../config/DbConfig.ts"
import type { DbError } from "../errors/DbError.ts"
import { type Capabilities, capabilitiesOf } from "./Capabilities.ts"
import { connect, type Session } from "./Session.ts"
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

export class Driver extends Context.Service<Driver, {
  readonly capabilities: Capabilities
  /** Opens one session. Fails with `ConnectFailed`, `AuthenticationFailed`, `ComputeWaking`, … and fate `NotSent`. */
  readonly connect: Effect.Effect<Session, DbError>
}>()("@ems/db-core/driver/Driver") {
  /** Over the transport that the URL names. */
  static readonly layerNoDeps = () =>
    Layer.effect(
      Driver,
      Effect.gen(function*() {
        const config = yield* DbConfig
        const { target } = config
        const capabilities = capabilitiesOf(target)
        for (const warning of target.warnings) yield* Effect.logWarning(warning)
        if (target.kind !== "embedded") {
          const open = target.kind === "neon" ? neon(target, config.neonProxy) : tcp(target)
          return { capabilities, connect: connect(config, capabilities, open) }
        }
        const database = yield* Effect.acquireRelease(
          Effect.sync(() => embedded(target)),
          (database) => Effect.promise(() => database.close())
        )
        return { capabilities, connect: connect(config, capabilities, database.open) }
      })
    )

  /** Over a transport of the caller's: a tunnel, or a simulated network. The URL still says database and user. */
  static readonly layerOf = ({ capabilities, open }: Transport) =>
    Layer.effect(
      Driver,
      Effect.map(DbConfig, (config) => ({ capabilities, connect: connect(config, capabilities, open) }))
    )
}
