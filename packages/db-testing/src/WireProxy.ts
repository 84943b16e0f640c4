/**
 * A proxy on loopback between any client and a real Postgres that understands the messages it forwards, so that it can
 * cut exactly before a COMMIT, exactly after its reply, or in the middle of a row, and count that it did.
 */
import * as net from "node:net"
import {
  type ArmedRule,
  garbage,
  noWireFault,
  noWireStats,
  type WirePlan,
  type WireRule,
  type WireStats
} from "./WireFault.ts"
import { WireSession } from "./WireSession.ts"

export type { ArmedRule, WireAction, WireFrame, WirePlan, WireRule, WireStats } from "./WireFault.ts"
export { fatal, garbage, on } from "./WireFault.ts"

export interface WireProxy {
  readonly host: string
  readonly port: number
  /** `postgresUrl` with the proxy's host and port. */
  readonly url: string
  readonly plan: WirePlan
  readonly stats: WireStats
  /** Puts a rule in force; it counts how often it matched and fired. */
  readonly add: (rule: WireRule) => ArmedRule
  /** `refuse` closes the port for new connections, anything else opens it. Open connections go on. */
  readonly setConnect: (connect: WirePlan["connect"]) => Promise<void>
  /** Takes every fault back; what was held goes on. */
  readonly heal: () => Promise<void>
  /** New connections go to this server; those that are open stay where they are, as when a name gets a new address. */
  readonly retarget: (postgresUrl: string) => void
  /** Cuts every open connection; returns how many. */
  readonly cutAll: (how: "reset" | "end") => number
  readonly close: () => Promise<void>
}

export interface WireProxyOptions {
  /** Any URL of the real server; users and passwords come from the clients. */
  readonly postgresUrl: string
}

export const startWireProxy = async (options: WireProxyOptions): Promise<WireProxy> => {
  const host = "127.0.0.1"
  let target = new URL(options.postgresUrl)
  const plan = noWireFault()
  const stats = noWireStats()
  const sessions = new Set<WireSession>()
  /** Accepted, but not served. */
  const idle = new Set<net.Socket>()
  let number = 0

  const park = (client: net.Socket) => {
    stats.refused++
    stats.fired++
    idle.add(client)
    client.on("error", () => {})
    client.on("close", () => idle.delete(client))
    if (plan.connect === "reset") client.resetAndDestroy()
    else if (plan.connect === "garbage") client.once("data", () => client.write(garbage()))
    client.resume()
  }

  const serve = (client: net.Socket) => {
    if (plan.connect !== "accept") return park(client)
    stats.accepted++
    stats.open++
    const server = net.connect({ host: target.hostname, port: Number(target.port || 5432), noDelay: true })
    const session = new WireSession({
      client,
      server,
      plan,
      stats,
      number: ++number,
      onClose: () => {
        stats.open--
        sessions.delete(session)
      }
    })
    sessions.add(session)
    // A server that cannot be reached refuses: the client must see no more than that.
    server.once("error", () => session.cut("reset"))
  }

  const listen = (port: number) =>
    new Promise<net.Server>((resolve, reject) => {
      const server = net.createServer({ noDelay: true, allowHalfOpen: true }, serve)
      server.once("error", reject)
      server.listen(port, host, () => resolve(server))
    })
  let server: net.Server | undefined = await listen(0)
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0

  const setConnect = async (connect: WirePlan["connect"]) => {
    plan.connect = connect
    if (connect === "refuse") {
      // `close` stops listening now; its callback would wait for every open connection.
      server?.close()
      server = undefined
    } else server ??= await listen(port)
  }
  const cutAll = (how: "reset" | "end") => {
    const open = [...sessions]
    for (const session of open) session.cut(how)
    for (const client of idle) client.destroy()
    return open.length
  }
  const url = new URL(options.postgresUrl)
  url.hostname = host
  url.port = String(port)
  return {
    host,
    port,
    url: url.href,
    plan,
    stats,
    add: (rule) => {
      const armed = { ...rule, matched: 0, fired: 0 }
      plan.rules.push(armed)
      return armed
    },
    setConnect,
    retarget: (postgresUrl) => {
      target = new URL(postgresUrl)
    },
    heal: async () => {
      Object.assign(plan, { ...noWireFault(), connect: plan.connect })
      await setConnect("accept")
      for (const client of idle) client.destroy()
      for (const session of sessions) session.heal()
    },
    cutAll,
    close: async () => {
      server?.close()
      cutAll("end")
    }
  }
}
