import { afterAll, describe, expect, it } from "vitest"
import { deadUrl, get, makeApp } from "./support.ts"

const listed = "https://admin.example.org"
const { app, dispose } = await makeApp(deadUrl, { corsOrigins: [listed] })
const closed = await makeApp(deadUrl)
afterAll(async () => {
  await dispose()
  await closed.dispose()
})

const preflight = (origin: string) =>
  get("/api/db/cache", { method: "OPTIONS", headers: { origin, "access-control-request-method": "GET" } })

describe("pages of other origins", () => {
  it("may call when they are listed", async () => {
    const response = await app.handle(preflight(listed))
    expect(response.status).toBe(204)
    expect(response.headers.get("access-control-allow-origin")).toBe(listed)
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization")
    const answer = await app.handle(get("/livez", { headers: { origin: listed } }))
    expect(answer.headers.get("access-control-allow-origin")).toBe(listed)
    expect(answer.headers.get("vary")).toBe("origin")
    const problem = await app.handle(get("/nope", { headers: { origin: listed } }))
    expect(problem.headers.get("access-control-allow-origin")).toBe(listed)
  })

  it.each([`${listed}.evil.example`, "https://evil.example", "null", listed.toUpperCase()])(
    "may not when they are not: %s",
    async (origin) => {
      for (const request of [preflight(origin), get("/livez", { headers: { origin } })]) {
        const response = await app.handle(request)
        expect(response.headers.has("access-control-allow-origin")).toBe(false)
      }
    }
  )

  it("may not where none is listed", async () => {
    const response = await closed.app.handle(preflight(listed))
    expect(response.status).toBe(405)
    expect(response.headers.has("access-control-allow-origin")).toBe(false)
  })
})
