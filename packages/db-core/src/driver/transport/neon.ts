/**
 * Neon over WebSocket, through the official driver's own socket: the wire protocol goes unchanged inside it.
 */
import { neonConfig } from "@neondatabase/serverless"
import WebSocket from "ws"
import type { Target } from "../../config/DbUrl.ts"
import { type CountingDuplex, WireDuplex } from "./WireDuplex.ts"

/** The part of the driver's socket that its type declarations leave out. */
interface NeonSocket {
  readonly connect: (port: number, host: string) => void
  readonly write: (chunk: Uint8Array, encoding?: string, done?: (error?: Error) => void) => boolean
  readonly end: (chunk?: Uint8Array, encoding?: string, done?: () => void) => unknown
  readonly destroy: () => unknown
  readonly on: (event: string, listener: (value: unknown) => void) => unknown
}

/** Failures arrive as `ErrorEvent`s, with an empty message on some runtimes: always hand on an `Error`. */
const toError = (event: unknown): Error => {
  if (event instanceof Error) return event
  const { error, message } = event as { readonly error?: unknown; readonly message?: unknown }
  if (error instanceof Error) return error
  return new Error(typeof message === "string" && message !== "" ? message : "the WebSocket could not be opened")
}

/** A factory of connections to `target`; `proxy` is `host:port/path` of another WebSocket proxy. */
export const neon = (target: Target, proxy: string | undefined) => (): CountingDuplex => {
  const config = new neonConfig()
  // Coalescing waits a timer tick (1–2 ms) for writes that the wire client has already put together.
  config.coalesceWrites = false
  config.forceDisablePgSSL = true
  config.useSecureWebSocket = target.tls.mode !== "disable"
  if (proxy !== undefined) config.wsProxy = () => proxy
  // Bun's own WebSocket is used there: `ws` on Bun has failed upgrades. Node's gives errors without a message.
  if (process.versions["bun"] === undefined) config.webSocketConstructor = WebSocket
  // Declared as the settings object only; it is the socket as well.
  const socket = config as unknown as NeonSocket
  const duplex = new WireDuplex(() => void socket.destroy())
  socket.on("connect", () =>
    duplex.attach({
      write: (chunk, done) => {
        // Its `write` always answers true and may drop the callback on a closed WebSocket.
        socket.write(chunk)
        done()
      },
      end: () => void socket.end(),
      destroy: () => void socket.destroy()
    }))
  socket.on("data", (chunk) => duplex.receive(chunk as Uint8Array))
  socket.on("error", (event) => void duplex.destroy(toError(event)))
  socket.on("close", () => duplex.peerClosed())
  socket.connect(target.port, target.host)
  return duplex
}
