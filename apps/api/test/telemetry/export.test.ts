import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { relations } from "@ems/schema"
import { sql } from "drizzle-orm"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Flusher } from "effect/observability/OtlpExporter"
import * as Result from "effect/Result"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApp } from "../../src/app.ts"
import * as Runtime from "../../src/Runtime.ts"
import * as Services from "../../src/Services.ts"
import * as Export from "../../src/telemetry/Export.ts"
import { parse } from "../../src/telemetry/ExportSettings.ts"
import * as RequestSpan from "../../src/telemetry/RequestSpan.ts"
import { authSecret, canary, deadUrl, forTests, get, makeApp, unlimited } from "../support.ts"

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly status: { readonly code: number }
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Record<string, unknown> }>
}

const bodies: Array<{ readonly url: string; readonly authorization: string; readonly body: string }> = []
const collector = http.createServer((request, response) => {
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => body += chunk)
  request.on("end", () => {
    bodies.push({ url: request.url ?? "", authorization: String(request.headers["x-key"]), body })
    response.end("{}")
  })
})

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", () => resolve()))
})
afterAll(async () => {
  collector.close()
  await database.close()
})

const exporting = async (url: string) => {
  const settings = Result.getOrThrow(parse((key) =>
    ({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test"
    } as Record<string, string>)[key] ?? ""
  ))
  const managed = ManagedRuntime.make(
    Services.layerNoDeps({ limits: unlimited, inFlight: { max: 1000, timeout: 10_000 } }).pipe(
      Layer.provideMerge(DbCore.layerOf(relations, { url })),
      Layer.provideMerge(Export.layer(settings)),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ EMS_AUTH_SECRET: authSecret })))
    )
  )
  const context = await managed.context()
  const flusher = Context.getUnsafe(context, Flusher)
  const runtime = Runtime.make(context)
  const app = createApp(context, { auth: "off" })
    .post(
      "/api/test/:id",
      ({ params, request }) =>
        runtime.respond(
          Database.use((db) => db.query((d) => d.execute(sql`select ${params.id}::text as value`))).pipe(
            Effect.as("done")
          ),
          request
        ),
      { detail: forTests }
    )
    .get("/throws", () => {
      throw new Error(canary)
    }, { detail: forTests })
  /** Everything that was exported by now. */
  const exported = async () => {
    bodies.length = 0
    await Effect.runPromise(flusher.flush)
    const spans = bodies.filter(({ url }) => url === "/v1/traces").flatMap(({ body }) =>
      (JSON.parse(body) as { resourceSpans: ReadonlyArray<{ scopeSpans: ReadonlyArray<{ spans: Array<Span> }> }> })
        .resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
    )
    return { spans, text: bodies.map(({ body }) => body).join("\n") }
  }
  return { app, exported, dispose: () => managed.dispose() }
}

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
const parent = "00f067aa0ba902b7"

const attributesOf = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

describe("what is exported of a request", () => {
  it("is a server span under the caller's, with the query's span under it, and no value of anybody's", async () => {
    const { app, dispose, exported } = await exporting(database.url)
    const response = await app.handle(get(`/api/test/${canary}?token=${canary}`, {
      method: "POST",
      headers: {
        traceparent: `00-${trace}-${parent}-01`,
        tracestate: `vendor=${canary}`,
        baggage: `user=${canary}`,
        cookie: `session=${canary}`,
        authorization: `Bearer ${canary}`,
        "user-agent": canary,
        "x-request-id": canary,
        "content-type": "application/json"
      },
      body: JSON.stringify({ [canary]: canary })
    }))
    expect(response.status).toBe(200)
    const { spans, text } = await exported()
    const server = spans.find(({ kind }) => kind === 2)!
    expect(server.name).toBe("POST /api/test/:id")
    expect([server.traceId, server.parentSpanId]).toEqual([trace, parent])
    expect(attributesOf(server)).toEqual({
      "http.request.method": "POST",
      "http.route": "/api/test/:id",
      "http.response.status_code": 200,
      "url.scheme": "http"
    })
    const query = spans.find(({ name }) => name === "SELECT")!
    expect([query.traceId, query.parentSpanId, query.kind]).toEqual([trace, server.spanId, 3])
    expect(BigInt(server.startTimeUnixNano) <= BigInt(query.startTimeUnixNano)).toBe(true)
    expect(BigInt(server.endTimeUnixNano) >= BigInt(query.endTimeUnixNano)).toBe(true)
    expect(text).not.toContain(canary)
    expect(text).not.toContain(new URL(database.url).host)
    // Metrics too, by the same names and with what the collector asks for.
    expect(bodies.map(({ url }) => url).toSorted()).toEqual(["/v1/metrics", "/v1/traces"])
    expect(bodies.map(({ authorization }) => authorization)).toEqual(["a b", "a b"])
    expect(text).toContain("http.server.request.duration")
    expect(text).toContain("deployment.environment.name")
    await dispose()
  })

  it.each([
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    `00-${trace}-0000000000000000-01`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `ff-${trace}-${parent}-01`,
    `00-${trace}-${parent}`,
    `00-${canary}`
  ])("begins a trace of its own where %s is no traceparent", async (traceparent) => {
    const { app, dispose, exported } = await exporting(deadUrl)
    await app.handle(get("/livez", { headers: { traceparent, b3: `${trace}-${parent}-1` } }))
    const { spans: [span], text } = await exported()
    expect(span?.name).toBe("GET /livez")
    expect(span?.parentSpanId).toBeUndefined()
    expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(span?.traceId).not.toBe(trace)
    expect(text).not.toContain(canary)
    await dispose()
  })

  it("is nothing where the caller does not record", async () => {
    const { app, dispose, exported } = await exporting(deadUrl)
    await app.handle(get("/livez", { headers: { traceparent: `00-${trace}-${parent}-00` } }))
    expect((await exported()).spans).toEqual([])
    await dispose()
  })

  it("is an error where the server is to blame, and there alone", async () => {
    const { app, dispose, exported } = await exporting(deadUrl)
    for (const path of ["/nope", "/throws", "/readyz"]) await app.handle(get(path))
    await app.handle(get("/livez", { method: "PROPFIND" }))
    const { spans, text } = await exported()
    const server = spans.filter(({ kind }) => kind === 2)
    expect(server.map((span) => [span.name, span.status.code === 2, attributesOf(span)["error.type"]])).toEqual([
      ["GET", false, undefined],
      ["GET /throws", true, "500"],
      ["GET /readyz", true, "503"],
      ["HTTP", false, undefined]
    ])
    expect(text).not.toContain(canary)
    expect(text).not.toContain("nope")
    await dispose()
  })

  it("is not made without an exporter", async () => {
    const { context, dispose } = await makeApp(deadUrl)
    expect(RequestSpan.make(context).of(get("/livez"))).toBeUndefined()
    await dispose()
  })
})

describe("the variables", () => {
  const read = (variables: Record<string, string>) => parse((key) => variables[key] ?? "")

  it("export nothing without an endpoint, or when they say so", () => {
    for (
      const variables of [
        {},
        { OTEL_SERVICE_NAME: "x" },
        { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318", OTEL_SDK_DISABLED: "true" }
      ]
    ) expect(Result.getOrThrow(read(variables))).toBeUndefined()
  })

  it("name the service: its own variable, the resource's, the product", () => {
    const named = (variables: Record<string, string>) =>
      Result.getOrThrow(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318", ...variables }))?.serviceName
    expect(named({})).toBe("ems")
    expect(named({ OTEL_RESOURCE_ATTRIBUTES: "service.name=a" })).toBe("a")
    expect(named({ OTEL_RESOURCE_ATTRIBUTES: "service.name=a", OTEL_SERVICE_NAME: "b" })).toBe("b")
  })

  it.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", `grpc://${canary}`],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", canary],
    ["OTEL_EXPORTER_OTLP_HEADERS", canary],
    ["OTEL_EXPORTER_OTLP_HEADERS", `a=${canary}%`],
    ["OTEL_EXPORTER_OTLP_HEADERS", `a=${canary}%0A`],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_RESOURCE_ATTRIBUTES", "a"],
    ["OTEL_METRIC_EXPORT_INTERVAL", "0"],
    ["OTEL_BSP_SCHEDULE_DELAY", "soon"]
  ])("refuse %s as %s, without showing it", (key, value) => {
    const result = read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318", [key]: value })
    expect(Result.isFailure(result) && result.failure.key).toBe(key)
    expect(JSON.stringify(result)).not.toContain(canary)
  })
})
