import { freePort } from "@ems/db-testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, describe, expect, it } from "vitest"
import * as DbConfig from "../../src/config/DbConfig.ts"
import { tcp } from "../../src/doctor/addresses.ts"
import { examine } from "../../src/doctor/Doctor.ts"
import { look } from "./Examination.ts"

interface Listener {
  readonly url: (query?: string) => string
  readonly open: () => number
}

const closing: Array<() => void> = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Takes connections and does with each what it is told to. */
const listen = async (serve: (socket: net.Socket) => void): Promise<Listener> => {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    socket.resume()
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  return { url: (query = "") => `postgres://u:cAnArY@127.0.0.1:${port}/db${query}`, open: () => sockets.size }
}

/** A closed socket is seen at the other end a moment later. */
const settled = async (listener: Listener): Promise<number> => {
  for (let tenths = 0; tenths < 20 && listener.open() > 0; tenths++) await sleep(100)
  return listener.open()
}

const rest = ["server", "role", "extensions", "pooler", "timeouts", "clock", "roundTrip"]

describe("the way to the server", () => {
  it("settings that cannot be used", async () => {
    const report = await look({ url: "postgres://u:cAnArY@h/db", poolMax: 0 })
    expect(report.verdict).toBe("misconfigured")
    expect(report.step("configuration")).toMatchObject({
      status: "failed",
      seen: { variable: "EMS_POOL_MAX", found: "0" }
    })
    expect(report.steps).toHaveLength(14)
    expect(report.steps.slice(1).every(({ summary }) => summary === "needs configuration, which failed")).toBe(true)
  })

  it("settings out of the ordinary", async () => {
    const report = await look({ url: `postgres://u:cAnArY@127.0.0.1:${await freePort()}/db`, connectTimeout: 20_000 })
    expect(report.step("configuration")).toMatchObject({
      status: "warning",
      seen: { EMS_CONNECT_TIMEOUT_MS: "20000 ms, usually 10000", hasPassword: true, user: "u", database: "db" }
    })
    expect(report.step("configuration").advice).toEqual(["set EMS_CONNECT_TIMEOUT_MS below EMS_QUERY_TIMEOUT_MS"])
  })

  it("a name that nobody knows", async () => {
    const report = await look({ url: "postgres://u:cAnArY@no-such-host.invalid/db", connectTimeout: 5000 })
    expect(report.verdict).toBe("unreachable")
    expect(report.step("dns")).toMatchObject({ status: "failed", seen: { host: "no-such-host.invalid" } })
    expect(report.step("tcp")).toMatchObject({ status: "skipped", summary: "needs dns, which failed" })
    expect(report.step("authentication").summary).toBe("needs dns, which failed")
  })

  it("a closed port: refused, and what rests on it is skipped", async () => {
    const port = await freePort()
    const report = await look({ url: `postgres://u:cAnArY@127.0.0.1:${port}/db` })
    expect(report.verdict).toBe("unreachable")
    expect(report.troubles).toEqual([
      "tcp failed",
      "tls skipped",
      "authentication skipped",
      ...rest.map((name) => `${name} skipped`)
    ])
    expect(report.step("tcp").seen).toEqual({ port, "127.0.0.1": "refused (ECONNREFUSED)" })
    expect(report.step("tcp").advice[0]).toContain("start the server, or correct the port")
  })

  it("an address that nobody can reach", async () => {
    // The broadcast address is no host's: no system lets a connection to it out.
    const report = await look({ url: "postgres://u:cAnArY@255.255.255.255/db?sslmode=disable", connectTimeout: 2000 })
    const onBun = process.versions["bun"] !== undefined
    expect(report.step("tcp").status).toBe("failed")
    // Bun tells no difference, and then says so.
    expect(report.step("tcp").seen["255.255.255.255"]).toMatch(
      onBun ? /^refused \(ECONNREFUSED\)/ : /^no way there \(E/
    )
    expect(report.step("tcp").advice[0]).toContain(onBun ? "on Bun" : "connect the network")
  })

  it("an address that drops packets: no answer within the limit", async (context) => {
    // Of the documentation (RFC 5737): nobody has it, and on the Internet nothing comes back.
    const report = await look({ url: "postgres://u:cAnArY@198.51.100.7/db?sslmode=disable", connectTimeout: 300 })
    const tcp = report.step("tcp")
    if (tcp.seen["198.51.100.7"] !== "no answer (ETIMEDOUT)") return context.skip("this network answers for everybody")
    expect(tcp).toMatchObject({ status: "failed", summary: "nobody answers at 198.51.100.7:5432" })
    expect(tcp.durationMs).toBeLessThan(1500)
  })

  it("a dead address beside one that answers", async () => {
    const listener = await listen(() => {})
    const endpoint = {
      host: "db.example.com",
      port: Number(new URL(listener.url()).port),
      path: undefined,
      isTlsFirst: false
    }
    const both = [{ address: "255.255.255.255", family: 4 as const }, { address: "127.0.0.1", family: 4 as const }]
    const { address, outcome } = await Effect.runPromise(tcp(endpoint, both, 2000))
    expect(address?.address).toBe("127.0.0.1")
    expect(outcome).toMatchObject({ status: "warning" })
    expect(outcome.advice[0]).toContain("take 255.255.255.255 out of the DNS entry")
    expect(await settled(listener)).toBe(0)
  })

  it.each([["", "authentication"], ["?sslmode=require", "tls"]] as const)(
    "a listener that never answers (%s): the step %s fails in time, and no socket is left",
    async (query, name) => {
      const listener = await listen(() => {})
      const startedAt = Date.now()
      const report = await look({ url: listener.url(query), connectTimeout: 400 })
      expect(report.step("tcp").status).toBe("ok")
      expect(report.steps.find(({ status }) => status === "failed")?.name).toBe(name)
      expect(report.verdict).toBe("unreachable")
      expect(report.step(name).advice[0]).toContain("look at")
      expect(Date.now() - startedAt).toBeLessThan(3000)
      expect(await settled(listener)).toBe(0)
    }
  )

  it("something else than Postgres", async () => {
    const listener = await listen((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")))
    const report = await look({ url: listener.url("?sslmode=require"), connectTimeout: 2000 })
    expect(report.step("tls")).toMatchObject({
      status: "failed",
      summary: "what answers there is no Postgres server",
      advice: ["correct host and port in DATABASE_URL"]
    })
    expect(await settled(listener)).toBe(0)
  })

  it("a peer that hangs up", async () => {
    const listener = await listen((socket) => socket.destroy())
    const report = await look({ url: listener.url("?sslmode=require"), connectTimeout: 2000 })
    expect(report.step("tls")).toMatchObject({ status: "failed" })
    expect(report.step("tls").summary).toMatch(/hung up|handshake failed|never answers/)
  })

  it("is interrupted at once, and leaves no socket", async () => {
    const listener = await listen(() => {})
    const config = Result.getOrThrow(DbConfig.make({ url: listener.url(), connectTimeout: 60_000 }))
    const fiber = Effect.runFork(examine(Result.succeed(config)))
    while (listener.open() === 0) await sleep(10)
    await sleep(50)
    const startedAt = Date.now()
    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(Date.now() - startedAt).toBeLessThan(1000)
    expect(await settled(listener)).toBe(0)
  })
})
