import type { Fate } from "@ems/db-core/errors/DbError"
import { type ReasonTag, transientReasons } from "@ems/db-core/errors/SqlState"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterAll, describe, expect, it } from "vitest"
import * as Contract from "../src/http/Contract.ts"
import { canary, dbError, deadUrl, forTests, get, makeApp, problemOf, until } from "./support.ts"

/** Total over the reasons, and written apart from the product's own table. */
const statuses: { readonly [Tag in ReasonTag]: number } = {
  ConnectFailed: 503,
  AuthenticationFailed: 500,
  DatabaseMissing: 500,
  ConnectionLost: 503,
  PoolTimeout: 503,
  PoolQueueFull: 503,
  PoolClosed: 503,
  DeadlineExceeded: 504,
  Cancelled: 503,
  UniqueViolation: 409,
  ForeignKeyViolation: 409,
  CheckViolation: 422,
  NotNullViolation: 422,
  ExclusionViolation: 409,
  InvalidData: 422,
  InvalidStatement: 500,
  InsufficientPrivilege: 500,
  Serialization: 503,
  Deadlock: 503,
  LockTimeout: 503,
  StatementTimeout: 504,
  ReadOnly: 503,
  NotPrimary: 503,
  ResourceExhausted: 503,
  ComputeWaking: 503,
  CommitUnknown: 500,
  CommitRolledBack: 500,
  Unsupported: 501,
  ProtocolViolation: 500,
  ServerError: 500
}

const { app: base, dispose, lines, runtime } = await makeApp(deadUrl)
afterAll(() => dispose())

let interrupted = 0
const app = base
  .all(
    "/fails/:tag/:fate",
    ({ params, request }) =>
      runtime.respond(Effect.fail(dbError(params.tag as ReasonTag, params.fate as Fate)), request),
    { detail: forTests }
  )
  .get("/dies", ({ request }) => runtime.respond(Effect.die(new Error(canary)), request), { detail: forTests })
  .get("/throws", () => {
    throw new Error(`${canary}\n    at ${canary} (${canary}.ts:1:1)`)
  }, { detail: forTests })
  .get("/rejects", ({ request }) => Promise.reject(new Error(`${canary} ${request.method}`)), { detail: forTests })
  .get(
    "/hangs",
    ({ request }) =>
      runtime.respond(Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => interrupted++))), request),
    { detail: forTests }
  )
  .post("/takes", () => "", { body: Contract.request(Schema.Struct({ limit: Schema.Int })), detail: forTests })
  .get("/breaks", () => ({ limit: canary }) as never, {
    response: { 200: Contract.response(Schema.Struct({ limit: Schema.Int })) },
    detail: forTests
  })
  .get("/encodes", () => ({ at: 1n }), {
    response: { 200: Contract.response(Schema.Struct({ at: Schema.BigIntFromString })) },
    detail: forTests
  })

const post = (body: string, type = "application/json") =>
  app.handle(get("/takes", { method: "POST", body, headers: { "content-type": type } }))

describe("a DbError", () => {
  it("has a status for every reason, and none of its texts", async () => {
    expect(new Set(Object.keys(statuses))).toEqual(new Set(Object.keys(transientReasons)))
    for (const [tag, status] of Object.entries(statuses)) {
      const response = await app.handle(get(`/fails/${tag}/NotSent`))
      const problem = await problemOf(response)
      expect([problem.reason, problem.status, response.headers.has("retry-after")]).toEqual([
        tag,
        status,
        status === 503
      ])
    }
  })

  it("of a write whose fate is not known does not ask to repeat it", async () => {
    const response = await app.handle(get("/fails/ConnectionLost/Unknown", { method: "POST" }))
    const problem = await problemOf(response)
    expect(response.headers.has("retry-after")).toBe(false)
    expect(problem.detail).toContain("not known")
    const refused = await app.handle(get("/fails/ConnectionLost/NotSent", { method: "POST" }))
    expect(refused.headers.has("retry-after")).toBe(true)
  })
})

describe("work that is interrupted for taking too long", () => {
  it("may be asked for again when it reads, and not when it may have written", async () => {
    const impatient = await makeApp(deadUrl, { inFlight: { max: 1, timeout: 100 } })
    const hanging = impatient.app.all("/hangs", ({ request }) => impatient.runtime.respond(Effect.never, request), {
      detail: forTests
    })
    const ask = async (method: string) => {
      const response = await hanging.handle(get("/hangs", { method }))
      const { detail, status } = await problemOf(response)
      return { status, isUncertain: detail?.includes("not known"), mayRepeat: response.headers.has("retry-after") }
    }
    expect(await ask("GET")).toEqual({ status: 504, isUncertain: false, mayRepeat: false })
    expect(await ask("POST")).toEqual({ status: 504, isUncertain: true, mayRepeat: false })
    await impatient.dispose()
  })
})

describe("an error nobody expected", () => {
  it.each(["/dies", "/throws", "/rejects", "/breaks"])("on %s is a 500 of constant text, and logged", async (path) => {
    lines.length = 0
    const problem = await problemOf(await app.handle(get(path, { headers: { "x-request-id": "find-me" } })))
    expect(problem).toEqual({
      type: "about:blank",
      title: "Internal Server Error",
      status: 500,
      requestId: "find-me"
    })
    await until(() => lines.some(({ level }) => level === "ERROR"))
    expect(JSON.stringify(lines)).toContain("find-me")
    expect(JSON.stringify(lines)).not.toContain(canary)
  })
})

describe("a request that cannot be served", () => {
  it("is a 404 where there is no route", async () => {
    expect((await problemOf(await app.handle(get(`/${canary}?${canary}`)))).status).toBe(404)
  })

  it("is a 405 with the methods there are", async () => {
    const response = await app.handle(get("/api/db/health", { method: "DELETE" }))
    expect((await problemOf(response)).status).toBe(405)
    expect(response.headers.get("allow")).toBe("HEAD, GET")
  })

  it("is a 400 when its body cannot be parsed", async () => {
    expect((await problemOf(await post(`{"limit": ${canary}`))).status).toBe(400)
  })

  it("is a 422 that names the place and not the value", async () => {
    const problem = await problemOf(await post(JSON.stringify({ limit: canary })))
    expect(problem.status).toBe(422)
    expect(problem.detail).toBe("The body does not have the expected shape at /limit.")
  })

  it("is a 422 when its body has a member that is not known", async () => {
    expect((await problemOf(await post(JSON.stringify({ limit: 1, [canary]: 1 })))).status).toBe(422)
    expect((await post(JSON.stringify({ limit: 1 }))).status).toBe(200)
  })
})

describe("the request id", () => {
  it.each(["abc-1.2_3", "x".repeat(64)])("%s is taken over", async (id) => {
    const response = await app.handle(get("/", { headers: { "x-request-id": id } }))
    expect(response.headers.get("x-request-id")).toBe(id)
  })

  it.each(["", "a b", "x".repeat(65), "<script>", "a;b"])("%j is replaced by one of ours", async (id) => {
    const response = await app.handle(get("/nope", { headers: { "x-request-id": id } }))
    expect((await problemOf(response)).requestId).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/
    )
  })
})

describe("Runtime.respond", () => {
  it("interrupts the effect when the client goes away", async () => {
    const client = new AbortController()
    const answer = app.handle(get("/hangs", { signal: client.signal }))
    setTimeout(() => client.abort(), 50)
    expect((await problemOf(await answer)).status).toBe(499)
    expect(interrupted).toBe(1)
  })

  it("encodes what is answered through the contract", async () => {
    const response = await app.handle(get("/encodes"))
    expect(await response.json()).toEqual({ at: "1" })
  })
})

describe("the access log", () => {
  it("is one debug line with the route's pattern and the status, without the path", async () => {
    await app.handle(get(`/fails/UniqueViolation/Refused?${canary}`, { headers: { "x-request-id": "one" } }))
    await app.handle(get(`/${canary}`, { headers: { "x-request-id": "two" } }))
    const lineOf = (id: string) =>
      lines.find(({ text }) => text.includes(`"message":"request"`) && text.includes(`"requestId":"${id}"`))
    await until(() => lineOf("two") !== undefined)
    expect(lineOf("one")?.level).toBe("DEBUG")
    expect(lineOf("one")?.text).toContain(`"route":"/fails/:tag/:fate","status":409`)
    expect(lineOf("two")?.text).toContain(`"route":"none","status":404`)
    expect(JSON.stringify(lines)).not.toContain(`/${canary}`)
    expect(lineOf("one")?.text).not.toContain(canary)
  })
})
