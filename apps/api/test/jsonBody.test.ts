import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { maxBytes, read } from "../src/http/JsonBody.ts"
import { canary, get } from "./support.ts"

const post = (body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>, type = "application/json") =>
  get("/", { method: "POST", body, duplex: "half", headers: type === "" ? {} : { "content-type": type } })

const refusal = async (request: Request) => {
  const error = await Effect.runPromise(Effect.flip(read(request)))
  expect(JSON.stringify(error.kind)).not.toContain(canary)
  return error.kind.status
}

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels)

describe("a body", () => {
  it.each([
    ["application/json", `{"a":[1,"ü",{"b":null}]}`],
    ["application/json; charset=utf-8", "true"],
    ["Application/JSON;charset=\"UTF-8\"", nested(16)]
  ])("as %s is read", async (type, text) => {
    expect(await Effect.runPromise(read(post(text, type)))).toEqual(JSON.parse(text))
  })

  it("may be absent", async () => {
    expect(await Effect.runPromise(read(get("/")))).toBe(undefined)
  })

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "text/json"])(
    "as %s is refused",
    async (type) => expect(await refusal(post(`{"a":"${canary}"}`, type))).toBe(415)
  )

  it.each([
    ["no JSON", `{"a":${canary}`],
    ["nothing", " "],
    ["a NUL", `{"a":"\\u0000"}`],
    ["half a surrogate pair", `{"a":"\\ud800"}`],
    ["half a surrogate pair in a name", `{"\\udc00":1}`],
    ["a prototype", `{"a":{"__proto__":{"b":1}}}`],
    ["too deep", nested(17)],
    ["much too deep", nested(20_000)]
  ])("that holds %s is refused", async (_, text) => expect(await refusal(post(text))).toBe(400))

  it("that is not UTF-8 is refused", async () => {
    expect(await refusal(post(Uint8Array.from([0x22, 0xff, 0xfe, 0x22])))).toBe(400)
    expect(await refusal(post(Uint8Array.from(Buffer.from(`"${canary}"`, "utf16le"))))).toBe(400)
  })

  it("is as long as it may be, and no longer, however it comes", async () => {
    const full = JSON.stringify("x".repeat(maxBytes - 2))
    expect(await Effect.runPromise(read(post(full)))).toHaveLength(maxBytes - 2)
    expect(await refusal(post(`${full} `))).toBe(413)
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024
        controller.enqueue(new Uint8Array(1024).fill(0x20))
      }
    })
    expect(await refusal(post(endless))).toBe(413)
    expect(sent).toBeLessThan(2 * maxBytes)
  })

  it("has to arrive in time", () =>
    Effect.runPromise(Effect.scoped(
      Effect.gen(function*() {
        const silent = post(new ReadableStream<Uint8Array>({}))
        const fiber = yield* Effect.forkScoped(Effect.flip(read(silent)))
        yield* TestClock.adjust("9999 millis")
        expect(fiber.pollUnsafe()).toBe(undefined)
        yield* TestClock.adjust("1 millis")
        expect((yield* Fiber.join(fiber)).kind.status).toBe(408)
      }).pipe(Effect.provide(TestClock.layer()))
    )))
})
