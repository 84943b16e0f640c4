/**
 * Opens a TCP connection and says how that went. For looking only: nothing but what a probe sends goes over it, and it
 * is closed with its scope.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { codeOf } from "./Addresses.ts"

/**
 * - `refused`: a machine answered, and nobody listens on that port.
 * - `unreachable`: there is no way to the machine, or a firewall said so.
 * - `timedOut`: nobody answered at all; a firewall that drops packets looks like this.
 */
export type Reached = "connected" | "refused" | "unreachable" | "timedOut" | "failed"

const reached: Readonly<Record<string, Reached>> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  EACCES: "unreachable",
  EPERM: "unreachable",
  ETIMEDOUT: "timedOut"
}

/** What an error's code says of the way. */
export const reachedOf = (code: string): Reached => reached[code] ?? "failed"

/** Fails with the system's code, such as `ECONNREFUSED`. Has no limit of its own; interrupting it closes the socket. */
export const dial = (address: string, port: number): Effect.Effect<Net.Socket, string, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = Net.connect({ host: address, port, noDelay: true })
      // Without a listener an error after everybody has left would end the process.
      socket.on("error", () => {})
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  ).pipe(
    Effect.flatMap((socket) =>
      Effect.callback<Net.Socket, string>((resume) => {
        socket.once("connect", () => resume(Effect.succeed(socket)))
        socket.once("error", (error) => resume(Effect.fail(codeOf(error))))
      })
    )
  )
