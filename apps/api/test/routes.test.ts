import { Endpoints } from "@ems/schema/contract/Endpoints"
import * as Schema from "effect/Schema"
import { afterAll, describe, expect, it } from "vitest"
import { deadUrl, get, makeApp } from "./support.ts"

interface Document {
  readonly openapi: string
  readonly paths: Record<
    string,
    Record<string, { readonly summary?: string; readonly responses: Record<string, unknown> }>
  >
  readonly components: { readonly schemas: Record<string, unknown> }
}

const { app, dispose } = await makeApp(deadUrl)
afterAll(() => dispose())

const routes = app.routes.map(({ method, path }) => `${method} ${path}`).toSorted()

/** As OpenAPI writes parameters. */
const templates = routes.map((route) => route.replaceAll(/:(\w+)/g, "{$1}")).toSorted()

describe("GET /", () => {
  it("lists every route of the application with a description", async () => {
    const response = await app.handle(get("/"))
    const { endpoints } = Schema.decodeUnknownSync(Endpoints)(await response.json())
    expect(endpoints.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(routes)
    expect(routes).toContain("GET /api/db/health")
    for (const { description } of endpoints) expect(description).not.toContain("not described")
  })
})

describe("GET /openapi/json", () => {
  const read = async () => await (await app.handle(get("/openapi/json"))).json() as Document

  it("lists every route of the application, each with its summary and the problem it may answer", async () => {
    const { openapi, paths } = await read()
    const listed = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
    )
    expect(openapi).toMatch(/^3\.1\./)
    expect(listed.toSorted()).toEqual(templates)
    for (const operation of Object.values(paths).flatMap((operations) => Object.values(operations))) {
      expect(operation.summary).toBeTruthy()
      expect(operation.responses["default"]).toEqual({ $ref: "#/components/responses/Problem" })
    }
  })

  it("has the contract's schemas for 200 and 503 of the health route", async () => {
    const { paths } = await read()
    const responses = paths["/api/db/health"]?.["get"]?.responses
    for (const status of ["200", "503"]) {
      expect(responses?.[status]).toMatchObject({
        content: {
          "application/json": {
            schema: {
              anyOf: [
                {
                  type: "object",
                  required: ["status", "timestamp", "database", "performance", "message"],
                  properties: {
                    status: { enum: ["healthy", "degraded", "unhealthy"] },
                    database: { properties: { connection: { enum: ["connected", "disconnected"] } } }
                  }
                },
                { type: "object", required: ["status", "timestamp"] }
              ]
            }
          }
        }
      })
    }
  })

  it("says where a token is needed, and how it is sent", async () => {
    const { components, paths } = await read()
    expect(components).toMatchObject({ securitySchemes: { bearer: { type: "http", scheme: "bearer" } } })
    expect(paths["/api/db/cache"]?.["get"]).toMatchObject({ security: [{ bearer: [] }] })
    expect(paths["/livez"]?.["get"]).toMatchObject({ security: [] })
  })

  it("refers to nothing that it does not hold", async () => {
    const document = await read()
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) =>
      reference ?? ""
    )
    expect(references.length).toBeGreaterThan(0)
    for (const reference of references) {
      expect(reference).toMatch(/^#\/components\//)
      let at: unknown = document
      for (const key of reference.slice(2).split("/")) at = (at as Record<string, unknown>)[key]
      expect([reference, at]).not.toEqual([reference, undefined])
    }
  })
})

describe("GET /openapi", () => {
  it("is a page of our own files that shows the document", async () => {
    const response = await app.handle(get("/openapi"))
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8")
    const page = await response.text()
    // Nothing comes from anywhere else.
    expect(page).not.toMatch(/https?:/)
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self';")
    const assets = [...page.matchAll(/"(openapi\/assets\/[^"]+)"/g)].map(([, path]) => `/${path}`)
    expect(assets).toHaveLength(3)
    for (const path of assets) expect((await app.handle(get(path))).status).toBe(200)
    expect(await (await app.handle(get("/openapi/assets/start.js"))).text()).toContain(`url: "openapi/json"`)
    expect((await app.handle(get("/openapi/assets/package.json"))).status).toBe(422)
  })
})
