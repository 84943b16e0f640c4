/** One WebSocket of the Neon stand-in: login by cleartext password, then a relay to a session of its own. */
import { randomBytes } from "node:crypto"
import * as net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { WebSocket } from "ws"
import { Leg } from "./Leg.ts"
import type { NeonFault, NeonStats } from "./NeonFault.ts"
import { logIn, LoginRefused, type PostgresAddress } from "./PostgresLogin.ts"
import * as Wire from "./Wire.ts"

/** The keys that Postgres gave out, by the keys that we gave out in their place. */
export type CancelKeys = Map<string, Buffer>

export interface SessionContext {
  readonly postgres: PostgresAddress
  readonly fault: NeonFault
  readonly stats: NeonStats
  readonly cancelKeys: CancelKeys
}

/** The proxy forwards these and drops the rest, `statement_timeout` and its like included. */
const forwarded = ["user", "database", "application_name", "replication"]

const forwardedParameters = (startup: Readonly<Record<string, string>>): Record<string, string> => {
  const out: Record<string, string> = { client_encoding: "UTF8" }
  for (const name of forwarded) if (startup[name] !== undefined) out[name] = startup[name]
  // Options that speak to the proxy end there.
  const options = (startup["options"] ?? "").split(" ").filter((word) => !/^(endpoint|project|neon_\w+)[=:]/.test(word))
  if (options.join("") !== "") out["options"] = options.join(" ")
  return out
}

/** Neon tells every failure to connect as XX000 with a text, whatever Postgres' own code was. */
const asNeonTells = (error: unknown, user: string): Wire.ErrorFields => ({
  severity: "ERROR",
  code: "XX000",
  message: !(error instanceof LoginRefused)
    ? "Couldn't connect to compute node"
    : error.fields.code === "28P01" || error.fields.code === "28000"
    ? `password authentication failed for user '${user}'`
    : error.fields.message
})

export const serve = (ws: WebSocket, context: SessionContext): { readonly kill: () => void } => {
  const { cancelKeys, fault, postgres, stats } = context
  let tcp: net.Socket | undefined
  let key: string | undefined
  const send = (chunk: Buffer) => {
    if (ws.readyState === ws.OPEN) ws.send(chunk)
  }
  const kill = () => {
    ws.terminate()
    tcp?.destroy()
  }
  const refuse = (fields: Wire.ErrorFields) => {
    send(Wire.errorResponse(fields))
    ws.close()
  }
  const down = new Leg(fault, () => fault.latencyMs, (chunk) => {
    stats.bytesDown += chunk.length
    send(chunk)
  })
  const up = new Leg(fault, () => 0, (chunk) => {
    stats.bytesUp += chunk.length
    tcp?.write(chunk)
  })

  // One consumer after the other, by what the client may say next.
  let unread = Buffer.alloc(0)
  let wake = () => {}
  let consume: ((chunk: Buffer) => void) | undefined
  const receive = (chunk: Buffer) => {
    if (consume) return consume(chunk)
    unread = Buffer.concat([unread, chunk])
    wake()
  }
  const frame = async (typed: boolean): Promise<Buffer> => {
    for (;;) {
      const reader = new Wire.FrameReader(typed)
      const [first] = reader.push(unread)
      if (first) {
        unread = unread.subarray(first.length)
        return first
      }
      await new Promise<void>((resolve) => wake = resolve)
    }
  }

  const cancel = (request: Buffer) => {
    stats.cancelRequests++
    const real = cancelKeys.get(request.subarray(8).toString("hex"))
    if (real === undefined) return ws.close() // as Postgres: an unknown key gets no answer
    const once = net.connect({ ...postgres, noDelay: true }, () => once.end(Wire.untyped(Wire.cancelRequestCode, real)))
    once.on("error", () => ws.close())
    once.on("close", () => ws.close(1000))
    once.resume()
  }

  const substituteKey = (greeting: Buffer): Buffer => {
    if (Wire.typeOf(greeting) !== "K") return greeting
    const ours = randomBytes(8)
    ours.writeUInt8(ours.readUInt8(0) & 0x7f, 0) // a backend pid is positive
    key = ours.toString("hex")
    cancelKeys.set(key, greeting.subarray(5))
    return Wire.message("K", ours)
  }

  const relay = (socket: net.Socket) => {
    tcp = socket
    const reader = new Wire.FrameReader()
    socket.on("error", () => ws.terminate())
    socket.on("close", () => ws.close(1000))
    socket.on("data", (chunk) => {
      const frames = reader.push(chunk)
      const { cutOnCommandTag: tag } = fault
      if (tag !== undefined && frames.some((frame) => Wire.commandTag(frame)?.startsWith(tag))) return kill()
      if (frames.length > 0) down.push(Buffer.concat(frames))
    })
    socket.resume() // the login read it by an iterator, which leaves it paused
    consume = (chunk) => up.push(chunk)
    if (unread.length > 0) up.push(unread) // statements that came together with the password
  }

  const run = async () => {
    let first = await frame(false)
    for (; [Wire.sslRequestCode, Wire.gssRequestCode].includes(first.readInt32BE(4)); first = await frame(false)) {
      send(Buffer.from("N"))
    }
    if (first.readInt32BE(4) === Wire.cancelRequestCode) return cancel(first)
    const startup = Wire.parseStartup(first.subarray(8))
    stats.startups.push(startup)
    if (fault.startupError) return refuse({ severity: "ERROR", code: "XX000", ...fault.startupError })
    send(Wire.authentication(3))
    const password = (await frame(true)).toString("utf8", 5).replace(/\0$/, "")
    if (fault.coldStartMs > 0) await sleep(fault.coldStartMs)
    try {
      const { greeting, socket } = await logIn(postgres, forwardedParameters(startup), password)
      if (ws.readyState !== ws.OPEN) return socket.destroy()
      down.push(Buffer.concat([Wire.authentication(0), ...greeting.map(substituteKey)]))
      relay(socket)
    } catch (error) {
      refuse(asNeonTells(error, startup["user"] ?? ""))
    }
  }

  ws.on("message", (data, binary) => {
    if (fault.blackhole && tcp === undefined) return
    if (!binary || !Buffer.isBuffer(data)) return ws.close(1003) // the real proxy takes binary messages only
    receive(data)
  })
  ws.on("error", () => {})
  ws.on("close", () => {
    // Closing ends the session and cancels nothing: a running statement goes on, as behind the real proxy.
    tcp?.end()
    for (const leg of [up, down]) leg.close()
    if (key !== undefined) cancelKeys.delete(key)
  })
  void run()
  return { kill }
}
