/** Stands between a process and Redis, and tampers with what Redis says. */
import { freePort } from "@ems/db-testing"
import { randomBytes } from "node:crypto"
import * as net from "node:net"

/** `garbage`: bytes that mean nothing. `twice`: each reply comes again, so that all that follow are out of step. */
export type Tampering = "none" | "garbage" | "twice" | "silence"

export interface RedisProxy {
  readonly url: string
  tampering: Tampering
  readonly close: () => void
}

export const startRedisProxy = async (target: number): Promise<RedisProxy> => {
  const port = await freePort()
  const sockets = new Set<net.Socket>()
  const server = net.createServer((client) => {
    const upstream = net.connect(target, "127.0.0.1")
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on("data", (chunk) => upstream.write(chunk))
    upstream.on("data", (chunk) => {
      if (proxy.tampering === "silence") return
      client.write(proxy.tampering === "garbage" ? randomBytes(chunk.length) : chunk)
      if (proxy.tampering === "twice") client.write(chunk)
    })
  })
  const proxy: RedisProxy = {
    url: `redis://127.0.0.1:${port}`,
    tampering: "none",
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening))
  return proxy
}
