import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import * as Context from "effect/Context"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { HttpMetrics, maxSeries } from "../../src/telemetry/HttpMetrics.ts"
import { canary, deadUrl, forTests, get, makeApp } from "../support.ts"
import { parse } from "./Exposition.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
})
afterAll(() => database.close())

const scrape = async (app: { handle: (request: Request) => Promise<Response> }) => {
  const response = await app.handle(get("/metrics"))
  expect(response.status).toBe(200)
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
  const text = await response.text()
  return { text, families: parse(text) }
}

/** Series of requests, one for each histogram. */
const requests = (families: ReturnType<typeof parse>) =>
  (families.get("http_server_request_duration_seconds")?.samples ?? []).filter(({ name }) => name.endsWith("_count"))

describe("GET /metrics", () => {
  it("has the data layer's metrics, the server's and the process's, with their units", async () => {
    const { app, dispose } = await makeApp(database.url)
    await app.handle(get("/api/db/health"))
    await app.handle(get("/nope"))
    const { families, text } = await scrape(app)
    for (
      const name of [
        "db_client_operation_duration_seconds",
        "db_client_connection_count",
        "db_client_connection_wait_time_seconds",
        "db_client_connection_timeouts_total",
        "http_server_request_duration_seconds",
        "http_server_active_requests",
        "process_memory_usage_bytes",
        "nodejs_eventloop_delay_p99_seconds"
      ]
    ) expect([name, families.has(name)]).toEqual([name, true])
    const labels = requests(families).map(({ labels, value }) =>
      `${labels["http_request_method"]} ${labels["http_route"]} ${labels["http_response_status_code"]} ${value}`
    )
    expect(labels).toContain("GET /api/db/health 200 1")
    expect(labels).toContain("GET unmatched 404 1")
    // The one that asks.
    const active = families.get("http_server_active_requests")?.samples.find(({ labels }) =>
      labels["http_request_method"] === "GET"
    )
    expect(active?.value).toBe(1)
    expect(text).not.toContain("/nope")
    await dispose()
  })

  it("counts what is refused before a route, and what fails, and has nothing under way afterwards", async () => {
    const { app: base, dispose } = await makeApp(deadUrl, { auth: "on" })
    const app = base.get("/throws", () => {
      throw new Error(canary)
    }, { detail: forTests })
    expect((await app.handle(get("/metrics"))).status).toBe(401)
    expect((await app.handle(get("/throws"))).status).toBe(500)
    expect((await app.handle(get("/livez", { method: "HEAD" }))).status).toBe(200)
    expect((await app.handle(get("/livez", { method: "POST" }))).status).toBe(405)
    const { app: reader, dispose: close } = await makeApp(deadUrl)
    const { families, text } = await scrape(reader)
    const labels = requests(families).map(({ labels }) =>
      `${labels["http_request_method"]} ${labels["http_route"]} ${labels["http_response_status_code"]} ${
        labels["error_type"] ?? "-"
      }`
    )
    expect(labels.toSorted()).toEqual([
      "GET /metrics 401 -",
      "GET /throws 500 500",
      "HEAD /livez 200 -",
      "POST unmatched 405 -"
    ])
    const active = families.get("http_server_active_requests")?.samples ?? []
    expect(active.map(({ value }) => value).reduce((sum, value) => sum + value)).toBe(1)
    expect(text).not.toContain(canary)
    await dispose()
    await close()
  })

  it("is told apart by nothing that clients make up", async () => {
    const { app: base, dispose } = await makeApp(deadUrl)
    const app = base.get("/api/test/:id", ({ params }) => new Response(null, { status: Number(params.id) }), {
      detail: forTests
    })
    for (let i = 0; i < 1000; i++) {
      await app.handle(get(`/${canary}/${i}?q=${i}`, { headers: { "x-request-id": `${canary}-${i}` } }))
      // Bun takes methods that it does not know for GET; these it knows, and HTTP does not.
      await app.handle(get("/livez", { method: ["PROPFIND", "MKCOL", "LOCK"][i % 3] ?? canary }))
      await app.handle(get(`/api/test/${200 + i % 400}`))
    }
    const { families, text } = await scrape(app)
    const series = requests(families)
    // 400 statuses of one route, and a few more.
    expect(series.length).toBeLessThan(420)
    expect(new Set(series.map(({ labels }) => labels["http_route"])).size).toBeLessThanOrEqual(4)
    expect(new Set(series.map(({ labels }) => labels["http_request_method"]))).toEqual(new Set(["GET", "_OTHER"]))
    expect(text).not.toContain(canary)
    await dispose()
  })

  it("counts together what would be too many", async () => {
    const { app, context, dispose } = await makeApp(deadUrl)
    const metrics = Context.get(context, HttpMetrics)
    for (let i = 0; i < maxSeries + 500; i++) metrics.begin("GET")(`/${i}`, 200, 1)
    const { families } = await scrape(app)
    const series = requests(families)
    expect(series.length).toBe(maxSeries + 1)
    expect(series.find(({ labels }) => labels["otel_metric_overflow"] === "true")?.value).toBe(500)
    await dispose()
    const after = await makeApp(deadUrl)
    // What was published went with what published it.
    expect(requests((await scrape(after.app)).families)).toEqual([])
    await after.dispose()
  })

  it("notices an event loop that is held up", async () => {
    const { app, dispose } = await makeApp(deadUrl)
    await new Promise((resolve) => setTimeout(resolve, 60))
    const until = performance.now() + 200
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 60))
    const { families } = await scrape(app)
    const [max] = families.get("nodejs_eventloop_delay_max_seconds")?.samples ?? []
    expect(max?.value).toBeGreaterThan(0.1)
    expect(max?.value).toBeLessThan(5)
    await dispose()
  })
})
