import { createTestDatabase } from "@ems/db-testing"
import { HealthStatusOnly } from "@ems/schema/contract/Health"
import * as Schema from "effect/Schema"
import * as http from "node:http"
import { afterEach, describe, expect, it } from "vitest"
import { type Run, runFile, runServer } from "./process.ts"
import { blackHole, canary, deadUrl, until } from "./support.ts"

const running = new Set<Run>()
const start = (env: Record<string, string>): Run => {
  const run = runServer({ EMS_AUTH_SECRET: `${canary}-0123456789abcdef0123456789abcdef`, ...env })
  running.add(run)
  return run
}
afterEach(async () => {
  for (const { child, exit } of running) {
    child.kill("SIGKILL")
    await exit
  }
  running.clear()
})

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A health request to it takes as long as connecting may. */
const slow = async (env: Record<string, string> = {}) => {
  const hole = await blackHole()
  const run = start({ DATABASE_URL: hole.url, EMS_CONNECT_TIMEOUT_MS: "1500", ...env })
  return { run, url: await run.url, close: hole.close }
}

describe("the server process", () => {
  it("answers over a socket, and ends with 0 at SIGTERM", async () => {
    const database = await createTestDatabase()
    const run = start({ DATABASE_URL: database.url })
    const response = await fetch(`${await run.url}/api/db/health`)
    expect(response.status).toBe(200)
    expect(Schema.decodeUnknownSync(HealthStatusOnly)(await response.json()).status).toBe("healthy")
    expect((await fetch(`${await run.url}/api/db/health`, { method: "HEAD" })).status).toBe(200)
    const open = () =>
      database.admin("select 1 from pg_stat_activity where application_name = 'ems' and datname = $1", [database.name])
    expect(await open()).toHaveLength(1)
    run.child.kill("SIGTERM")
    expect(await run.exit).toBe(0)
    expect(await open()).toHaveLength(0)
    expect(run.stderr()).toBe("")
    await database.close()
  })

  it("starts without a database, and says so when asked", async () => {
    const run = start({ DATABASE_URL: deadUrl })
    const response = await fetch(`${await run.url}/api/db/health`)
    expect(response.status).toBe(503)
    run.child.kill("SIGINT")
    expect(await run.exit).toBe(0)
    expect(run.stdout() + run.stderr()).not.toContain(canary)
  })

  it.each(["a", "api", "db:80", "localhost"])("answers whoever calls it %s", async (host) => {
    const run = start({ DATABASE_URL: deadUrl })
    const { port } = new URL(await run.url)
    const status = await new Promise((resolve, reject) => {
      http.get({ port, path: "/livez", headers: { host } }, (response) => resolve(response.resume().statusCode))
        .once("error", reject)
    })
    expect(status).toBe(200)
  })

  it("refuses bodies over 64 KiB", async () => {
    const run = start({ DATABASE_URL: deadUrl })
    const url = `${await run.url}/api/auth/login`
    const statusOf = async (kib: number) => {
      const body = JSON.stringify("x".repeat(kib * 1024))
      return (await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } })).status
    }
    expect(await statusOf(63)).toBe(422)
    expect(await statusOf(65)).toBe(413)
    // The connection is closed over what is still being sent, and not every client reads the answer then.
    expect([413, "cut off"]).toContain(await statusOf(1024).catch(() => "cut off"))
  })

  it("answers a request in flight when told to stop, and takes no new ones", async () => {
    const { close, run, url } = await slow()
    const answer = fetch(`${url}/api/db/health`)
    await sleep(500)
    run.child.kill("SIGTERM")
    await sleep(800)
    expect(await fetch(url).catch(() => "refused")).toBe("refused")
    const response = await answer
    expect(response.status).toBe(503)
    expect(Schema.decodeUnknownSync(HealthStatusOnly)(await response.json()).status).toBe("unhealthy")
    expect(await run.exit).toBe(0)
    await close()
  })

  it("cuts a request that does not finish in time, and stops", async () => {
    const run = runFile("test/fixtures/draining.ts", {})
    expect(await run.exit).toBe(0)
    expect(run.stdout()).toContain("cut 1 requests that took longer than 300ms")
    expect(run.stdout()).toMatch(/cut off after \d{3} ms\n$/)
  })

  it("ends at once at the second signal", async () => {
    const { close, run, url } = await slow({ EMS_CONNECT_TIMEOUT_MS: "60000" })
    const answer = fetch(`${url}/api/db/health`).catch(() => undefined)
    await sleep(300)
    run.child.kill("SIGTERM")
    await sleep(200)
    const signalledAt = performance.now()
    run.child.kill("SIGTERM")
    expect(await run.exit).toBe(5)
    expect(performance.now() - signalledAt).toBeLessThan(1000)
    await answer
    await close()
  })

  it("interrupts the work of a client that went away", async () => {
    const { close, run, url } = await slow({ EMS_LOG: "debug" })
    const client = new AbortController()
    const answer = fetch(`${url}/api/db/health`, { signal: client.signal }).catch(() => undefined)
    await sleep(300)
    client.abort()
    await answer
    await until(() => run.stdout().includes("status: 499"))
    expect(run.stdout()).toContain("route: /api/db/health")
    await close()
  })

  it("does not give an unexpected error's message away in production", async () => {
    const run = runFile("test/fixtures/throwing.ts", { NODE_ENV: "production" })
    expect(await run.exit).toBe(0)
    expect(run.stdout()).toMatch(/^500 application\/problem\+json .*\n404 application\/problem\+json .*\n$/)
    expect(run.stdout() + run.stderr()).not.toContain(canary)
  })
})

describe("a start that cannot be", () => {
  const refused = async (env: Record<string, string>) => {
    const run = start(env)
    const code = await run.exit
    expect(run.stdout()).toBe("")
    expect(run.stderr()).not.toContain(canary)
    expect(run.stderr()).toMatch(/^[^\n]+\n$/)
    return { code, line: run.stderr().trim() }
  }

  it.each(["70000", "-1", "3000x", "1e3", "0x10"])("names a PORT of %s", async (PORT) => {
    expect(await refused({ DATABASE_URL: deadUrl, PORT })).toEqual({
      code: 2,
      line: `PORT: "${PORT}" is not usable, expected a whole number from 0 to 65535`
    })
  })

  it("names a window that is none", async () => {
    expect(await refused({ DATABASE_URL: deadUrl, EMS_MAINTENANCE_WINDOW: "at night" })).toEqual({
      code: 2,
      line: "EMS_MAINTENANCE_WINDOW: at night is not usable, expected hours such as 02:00-04:00"
    })
  })

  it("names a HOST that is not an address", async () => {
    expect(await refused({ DATABASE_URL: deadUrl, HOST: "no.such.host" })).toEqual({
      code: 2,
      line: `HOST: "no.such.host" is not usable, expected an IP address or localhost`
    })
  })

  it("names a busy port", async () => {
    const port = new URL(await start({ DATABASE_URL: deadUrl }).url).port
    expect(await refused({ DATABASE_URL: deadUrl, PORT: port })).toEqual({
      code: 1,
      line: `127.0.0.1:${port} is in use; choose another with PORT=…`
    })
  })

  it("names a missing DATABASE_URL", async () => {
    const { code, line } = await refused({})
    expect(code).toBe(2)
    expect(line).toContain("DATABASE_URL: <missing>")
  })

  it.each([`mysql://user:${canary}@host/db`, `postgres://user:${canary}@host:99999/db`, canary])(
    "names a DATABASE_URL that is not usable without showing it (%#)",
    async (url) => {
      const { code, line } = await refused({ DATABASE_URL: url })
      expect(code).toBe(2)
      expect(line).toContain("DATABASE_URL")
    }
  )

  it("names a setting of the data layer that is out of bounds", async () => {
    const { code, line } = await refused({ DATABASE_URL: deadUrl, EMS_POOL_MAX: "0" })
    expect(code).toBe(2)
    expect(line).toContain("EMS_POOL_MAX")
  })
})
