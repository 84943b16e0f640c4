/**
 * Stands in for Neon's proxy on loopback: the Postgres protocol in WebSocket messages at `/v2`. Like the proxy, it asks
 * for a cleartext password itself, forwards only some startup parameters, gives out cancel keys of its own and tells
 * every failure to connect as XX000. Unlike the proxy: no TLS, no `/sql`, no pooler.
 */
import * as http from "node:http"
import { WebSocketServer } from "ws"
import { type NeonFault, type NeonStats, noFault, noStats } from "./NeonFault.ts"
import { type CancelKeys, serve } from "./NeonSession.ts"

export type { NeonFault, NeonStats } from "./NeonFault.ts"

export interface NeonStandInOptions {
  /** Any URL of the real server: host and port are used, users and passwords come from the clients. */
  readonly postgresUrl: string
  /** Default: a free port. */
  readonly port?: number
}

export interface NeonStandIn {
  readonly host: string
  readonly port: number
  /** `ws://127.0.0.1:<port>/v2` */
  readonly webSocketUrl: string
  readonly fault: NeonFault
  readonly stats: NeonStats
  /** Takes every fault back. */
  readonly reset: () => void
  /** Cuts every open connection on both sides. */
  readonly killAll: () => void
  readonly close: () => Promise<void>
}

export const startNeonStandIn = async (options: NeonStandInOptions): Promise<NeonStandIn> => {
  const host = "127.0.0.1"
  const { hostname, port: postgresPort } = new URL(options.postgresUrl)
  const fault = noFault()
  const stats = noStats()
  const cancelKeys: CancelKeys = new Map()
  const sessions = new Set<{ readonly kill: () => void }>()
  const postgres = { host: hostname, port: Number(postgresPort || 5432) }

  const server = http.createServer((_, response) => response.writeHead(404).end())
  // Without `autoPong` a frozen peer is silent altogether. (Bun answers pings itself.)
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong: false })
  server.on("upgrade", (request, socket, head) => {
    const status = request.url?.split("?")[0] === "/v2" ? fault.refuseUpgrade : 404
    if (status > 0) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    webSockets.handleUpgrade(request, socket, head, (ws) => {
      stats.accepted++
      stats.open++
      const session = serve(ws, { postgres, fault, stats, cancelKeys })
      sessions.add(session)
      ws.on("ping", (data) => {
        if (!fault.freeze && !fault.blackhole) ws.pong(data)
      })
      ws.on("close", () => {
        stats.open--
        sessions.delete(session)
      })
    })
  })
  const killAll = () => {
    for (const session of sessions) session.kill()
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  return {
    host,
    port,
    webSocketUrl: `ws://${host}:${port}/v2`,
    fault,
    stats,
    reset: () => void Object.assign(fault, noFault()),
    killAll,
    close: async () => {
      killAll()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
