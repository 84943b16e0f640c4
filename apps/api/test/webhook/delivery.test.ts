import type { Notification } from "@ems/schema/contract/Notification"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as Delivery from "../../src/webhook/Delivery.ts"
import { sign } from "../../src/webhook/signature.ts"
import { canary, until } from "../support.ts"
import { accept, receive } from "./Receiver.ts"

const key = Buffer.from("0123456789abcdef0123456789abcdef")

const resolved = (name: string): Notification => ({
  event: "resolved",
  at: "2026-01-31T23:59:59.999Z",
  instance: "test",
  finding: { name, cacheKey: name }
})

const delivering = async (url: string, firstDelay = 10) => {
  const lines: Array<string> = []
  const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
  const managed = ManagedRuntime.make(Layer.merge(SecureRandom.layerWebCrypto, Logger.layer([logger])))
  const scope = await managed.runPromise(Scope.make())
  const { send } = await managed.runPromise(
    Scope.provide(Delivery.make({ url: Redacted.make(url), key: Redacted.make(key), firstDelay }), scope)
  )
  const outcomes: Array<string> = []
  return {
    lines,
    outcomes,
    send: (name: string) =>
      managed.runPromise(send({
        notification: resolved(name),
        delivered: Effect.sync(() => void outcomes.push(`delivered ${name}`)),
        lost: Effect.sync(() => void outcomes.push(`lost ${name}`))
      })),
    close: async () => {
      await managed.runPromise(Scope.close(scope, Effect.runSync(Effect.exit(Effect.void))))
      await managed.dispose()
    }
  }
}

describe("the signature", () => {
  it("is that of the standard's own library", () => {
    // Made with standardwebhooks 1.1.1.
    expect(sign(Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLlSw", "base64"), "msg_1", 1_700_000_000, "{\"a\":1}")).toBe(
      "v1,eha+gGBmY9CrgJ3AUZGet0hEkqk3e7uF1YIohSrU7Uw="
    )
  })
})

describe("a notification", () => {
  it("is signed, and signed anew with the same id at the next attempt", async () => {
    const receiver = await receive((nth, response) => {
      response.writeHead(nth === 1 ? 503 : 204).end(canary)
    })
    const { close, outcomes, send } = await delivering(receiver.url)
    await send("a")
    await until(() => outcomes.length === 1)
    expect(receiver.told).toHaveLength(2)
    for (const { body, headers } of receiver.told) {
      const [id, timestamp] = [String(headers["webhook-id"]), Number(headers["webhook-timestamp"])]
      expect(id).toMatch(/^msg_[0-9a-f-]{36}$/)
      expect(Math.abs(timestamp - Date.now() / 1000)).toBeLessThan(10)
      expect(headers["webhook-signature"]).toBe(sign(key, id, timestamp, body))
      expect(headers["content-type"]).toBe("application/json")
    }
    expect(new Set(receiver.told.map(({ headers }) => headers["webhook-id"])).size).toBe(1)
    expect(outcomes).toEqual(["delivered a"])
    await close()
    await receiver.close()
  })

  it.each([429, 500, 503, 504])("is given up after five attempts that were answered %d", async (status) => {
    const receiver = await receive((_, response) => {
      response.writeHead(status).end(canary)
    })
    const { close, lines, outcomes, send } = await delivering(`${receiver.url}?token=${canary}`, 1)
    await send("a")
    await until(() => outcomes.length === 1)
    expect(outcomes).toEqual(["lost a"])
    expect(receiver.told).toHaveLength(5)
    expect(lines.join("\n")).toContain(`status ${status}`)
    expect(lines.join("\n")).not.toContain(canary)
    expect(lines.join("\n")).not.toContain("127.0.0.1")
    await close()
    await receiver.close()
  })

  it.each([301, 302, 307, 308, 400, 401, 404, 410])("is not sent again after %d", async (status) => {
    const elsewhere = await receive(accept)
    const receiver = await receive((_, response) => {
      response.writeHead(status, { location: elsewhere.url }).end()
    })
    const { close, outcomes, send } = await delivering(receiver.url, 1)
    await send("a")
    await until(() => outcomes.length === 1)
    expect(outcomes).toEqual(["lost a"])
    expect(receiver.told).toHaveLength(1)
    expect(elsewhere.told).toHaveLength(0)
    await close()
    await receiver.close()
    await elsewhere.close()
  })

  it("is tried again when nobody listens or the connection is cut, without a word of where", async () => {
    const receiver = await receive((nth, response) => {
      if (nth < 3) response.destroy()
      else response.writeHead(200).end()
    })
    const { close, lines, outcomes, send } = await delivering(receiver.url, 1)
    await send("a")
    await until(() => outcomes.length === 1)
    expect(outcomes).toEqual(["delivered a"])
    await close()
    await receiver.close()
    const gone = await delivering(`${receiver.url}/${canary}`, 1)
    await gone.send("b")
    await until(() => gone.outcomes.length === 1)
    expect(gone.outcomes).toEqual(["lost b"])
    expect([...lines, ...gone.lines].join("\n")).not.toMatch(/127\.0\.0\.1|CANARY|\/hook/)
    await gone.close()
  })

  it("makes room for newer ones when a hundred wait", async () => {
    const receiver = await receive(() => undefined)
    const { close, lines, outcomes, send } = await delivering(receiver.url)
    await send("first")
    await until(() => receiver.told.length === 1)
    for (let i = 0; i < 103; i++) await send(String(i))
    expect(outcomes).toEqual(["lost 0", "lost 1", "lost 2"])
    expect(lines.filter((line) => line.includes("dropped"))).toHaveLength(3)
    // Nothing of it is left when the process ends.
    const startedAt = performance.now()
    await close()
    expect(performance.now() - startedAt).toBeLessThan(1000)
    await receiver.close()
  })
})
