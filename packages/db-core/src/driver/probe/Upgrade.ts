/**
 * Asks an HTTP server to go over to WebSocket, and reads its first line: the driver's own socket tells no status, and a
 * 404 (a wrong path), a 403 and a 503 are mended in different places.
 */
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import * as Tls from "node:tls"
import { codeOf } from "./Addresses.ts"

/** The example of RFC 6455, 1.3: nothing is sent over this WebSocket, so nobody can profit from knowing it. */
const key = "dGhlIHNhbXBsZSBub25jZQ=="

/** A first line is shorter; whoever sends more is no HTTP server. */
const longest = 1024

export interface UpgradeOptions {
  readonly host: string
  /** Begins with `/`. */
  readonly path: string
  /** Verified against the runtime's authorities, as the driver does. */
  readonly secure: boolean
}

/** The HTTP status; 101 is the right one. Fails with `notHttp`, `closed`, or the system's or OpenSSL's code. */
export const upgrade = (socket: Socket, { host, path, secure }: UpgradeOptions): Effect.Effect<number, string> =>
  Effect.callback((resume) => {
    const stream = secure ? Tls.connect({ socket, host, servername: host, rejectUnauthorized: true }) : socket
    let said = ""
    stream.on("error", (error: unknown) => resume(Effect.fail(codeOf(error))))
    stream.once("close", () => resume(Effect.fail("closed")))
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString("latin1")
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(said)?.[1]
      if (status !== undefined) return resume(Effect.succeed(Number(status)))
      if (said.length > longest || !"HTTP/1.1 ".startsWith(said.slice(0, 7))) resume(Effect.fail("notHttp"))
    })
    const ask = () =>
      stream.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
      )
    if (secure) stream.once("secureConnect", ask)
    else ask()
    return Effect.sync(() => stream.destroy())
  })
