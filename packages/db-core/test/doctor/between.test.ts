/** What stands between: poolers, Neon's proxy, or nothing at all. */
import { createTestDatabase, findPgBouncer, startNeonStandIn, startPgBouncer, type TestDatabase } from "@ems/db-testing"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Worker } from "node:worker_threads"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { changed, look } from "./Examination.ts"

const noPgBouncer = findPgBouncer() === undefined ? "this machine has no PgBouncer" : undefined

describe("between", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
  })
  afterAll(() => database.close())

  it("a PgBouncer that the URL tells of, and one that it does not", async (context) => {
    if (noPgBouncer !== undefined) return context.skip(noPgBouncer)
    const bouncer = await startPgBouncer({ postgresUrl: database.url })
    try {
      const declared = await look({ url: bouncer.url, directUrl: database.url })
      expect(declared.step("pooler")).toMatchObject({
        status: "ok",
        advice: [],
        seen: {
          isDeclared: true,
          mode: "transaction: a server session for each transaction",
          direct: "the same server"
        }
      })
      expect(declared.step("authentication").seen["method"]).toBe("none")
      // Dropped on the way, and nobody gave the role one.
      expect(declared.step("timeouts").status).toBe("warning")
      expect(declared.step("timeouts").advice[0]).toContain("SET statement_timeout = 15000")

      const itself = await look({
        url: bouncer.url,
        directUrl: changed(bouncer.url, (its) => its.searchParams.delete("pgbouncer"))
      })
      expect(itself.step("pooler").summary).toBe("the direct way goes through a proxy as well")

      const hidden = await look({ url: changed(bouncer.url, (its) => its.searchParams.delete("pgbouncer")) })
      expect(hidden.step("pooler").status).toBe("failed")
      expect(hidden.step("pooler").advice[0]).toContain("add pgbouncer=true to DATABASE_URL")
      // Asked for as for a server, and dropped.
      expect(hidden.step("timeouts").summary).toContain("what is given at connect is dropped on the way")

      const missing = await look({ url: changed(bouncer.url, (its) => its.pathname = "/no_such_database") })
      expect(missing.step("authentication").status).toBe("failed")
      expect(missing.step("authentication").advice.join()).toMatch(/pooler|emsdb init/)
    } finally {
      await bouncer.close()
    }
  })

  it("Neon's proxy: the WebSocket, what it refuses, and a login that it tells of", async () => {
    const proxy = await startNeonStandIn({ postgresUrl: database.url })
    const input = { url: database.url, transport: "neon" as const, neonProxy: `${proxy.host}:${proxy.port}/v2` }
    try {
      const report = await look(input)
      expect(report.troubles.filter((trouble) => !/^(role|extensions) /.test(trouble))).toEqual([])
      expect(report.step("webSocket")).toMatchObject({ status: "ok", seen: { path: "/v2" } })
      expect(report.step("authentication").seen["method"]).toBe("password")
      expect(report.step("pooler").seen["mode"]).toBe("none seen behind Neon's proxy")

      const elsewhere = await look({ ...input, neonProxy: `${proxy.host}:${proxy.port}/wrong` })
      expect(elsewhere.step("webSocket")).toMatchObject({ status: "failed", seen: { status: 404, path: "/wrong" } })
      expect(elsewhere.step("authentication").summary).toBe("needs webSocket, which failed")

      proxy.fault.refuseUpgrade = 503
      expect((await look(input)).step("webSocket").seen["status"]).toBe(503)
      proxy.reset()

      proxy.fault.startupError = { message: "The endpoint is disabled. Enable it using the API and retry." }
      expect((await look(input)).step("authentication")).toMatchObject({ status: "failed" })
      proxy.reset()
      const wrong = await look({ ...input, url: changed(database.url, (its) => its.password = "another") })
      expect(wrong.step("authentication").summary).toContain("the password is wrong")
    } finally {
      await proxy.close()
    }
  })
})

/** It takes seconds to start, and longer on a busy machine. */
const patient = { connectTimeout: 50_000, queryTimeout: 60_000 }

describe("an embedded database", () => {
  it("in memory", { timeout: 60_000 }, async () => {
    const report = await look({ url: "pglite:memory", ...patient })
    expect(report.troubles).toEqual([])
    expect(report.verdict).toBe("ok")
    for (const name of ["dns", "tcp", "tls", "webSocket", "pooler"] as const) {
      expect(report.step(name).summary).toBe("not applicable: the database is embedded")
    }
    expect(report.step("server").summary).toMatch(/^Postgres 1\d/)
  })

  it("in a directory: missing, a file, empty, sound, and open elsewhere", { timeout: 90_000 }, async () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), "ems-doctor-"))
    const directory = path.join(home, "data")
    const input = { url: `pglite:${directory}`, ...patient }
    try {
      const missing = await look(input)
      expect(missing.step("directory")).toMatchObject({ status: "failed", summary: "the directory is not there" })
      expect(missing.verdict).toBe("unreachable")
      expect(fs.existsSync(directory)).toBe(false)

      fs.writeFileSync(directory, "")
      expect((await look(input)).step("directory").summary).toBe("that is a file")
      fs.rmSync(directory)
      fs.mkdirSync(directory)
      expect((await look(input)).step("directory").summary).toBe("there is no database in it")

      const worker = new Worker(new URL("../../src/driver/transport/embeddedWorker.ts", import.meta.url), {
        workerData: { directory }
      })
      const answer = () => new Promise((resolve) => worker.once("message", resolve))
      worker.postMessage({ type: "session", id: 1 })
      await answer()
      worker.postMessage({ type: "close" })
      await answer()
      await worker.terminate()
      const sound = await look(input)
      expect(sound.troubles).toEqual([])
      expect(sound.step("directory").seen).toMatchObject({ version: "18", isWritable: true, endedCleanly: true })
      expect(fs.existsSync(path.join(directory, "postmaster.pid"))).toBe(false)

      if (process.platform !== "linux") return
      const file = fs.openSync(path.join(directory, "PG_VERSION"), "r")
      const other = spawn("sleep", ["60"], { stdio: [file, "ignore", "ignore"] })
      const ended = new Promise((resolve) => other.once("exit", resolve))
      fs.closeSync(file)
      const open = await look(input)
      other.kill()
      await ended
      expect(open.step("directory")).toMatchObject({ status: "failed", seen: { usedBy: other.pid } })
      expect(open.step("authentication").summary).toBe("needs directory, which failed")
    } finally {
      fs.rmSync(home, { recursive: true, force: true })
    }
  })
})
