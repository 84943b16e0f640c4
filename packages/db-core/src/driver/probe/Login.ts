/**
 * Logs in as the data layer does, and also tells what the server asked for and what it said before it let anybody in.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { DbConfigShape } from "../../config/DbConfig.ts"
import type { Target } from "../../config/DbUrl.ts"
import type { DbError } from "../../errors/DbError.ts"
import { capabilitiesOf } from "../Capabilities.ts"
import { FrameTap } from "../FrameTap.ts"
import { connect, type Session } from "../Session.ts"
import { embedded } from "../transport/embedded.ts"
import { neon } from "../transport/neon.ts"
import { tcp } from "../transport/tcp.ts"
import type { CountingDuplex } from "../transport/WireDuplex.ts"
import { type LoginMethod, LoginTap } from "./LoginTap.ts"

export interface Login {
  /** Nothing when the server said no before it asked. */
  readonly method: LoginMethod | undefined
  /** The server's own words when it refused. No statement was sent, so they can hold no value of one. */
  readonly said: string | undefined
  readonly opened: Result.Result<Session, DbError>
}

const openerOf = (
  config: DbConfigShape,
  target: Target
): Effect.Effect<() => CountingDuplex, never, Scope.Scope> =>
  target.kind === "embedded"
    ? Effect.map(
      Effect.acquireRelease(Effect.sync(() => embedded(target)), (database) => Effect.promise(() => database.close())),
      ({ open }) => open
    )
    : Effect.succeed(target.kind === "neon" ? neon(target, config.neonProxy) : tcp(target))

/** Within `DbConfig.connectTimeout`. The session is closed with the scope, and called `doctor` in its name. */
export const login = (config: DbConfigShape, target: Target): Effect.Effect<Login, never, Scope.Scope> =>
  Effect.gen(function*() {
    const open = yield* openerOf(config, target)
    const tap = new LoginTap()
    const frames = new FrameTap()
    const opened = yield* Effect.result(Effect.acquireRelease(
      connect(config, {
        target,
        capabilities: capabilitiesOf(target),
        open: () => {
          const socket = open()
          socket.on("data", tap.push)
          socket.on("data", frames.push)
          return socket
        },
        purpose: "doctor"
      }),
      (session) => session.close,
      // It cleans up after itself, and nobody waits for a server that does not answer.
      { interruptible: true }
    ))
    return { method: tap.method, said: Result.isFailure(opened) ? frames.fatal?.message : undefined, opened }
  })
