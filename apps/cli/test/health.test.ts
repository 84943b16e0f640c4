import { createTestDatabase } from "@ems/db-testing"
import { Health } from "@ems/schema/contract/Health"
import { Problem } from "@ems/schema/contract/Problem"
import * as Schema from "effect/Schema"
import { expect, test } from "vitest"
import { canary, emsdb, oneJson } from "./Emsdb.ts"

const decode = (text: string) => Schema.decodeUnknownSync(Health)(oneJson(text))

test("healthy: exit code 0", async () => {
  const { close, url } = await createTestDatabase()
  const { code, stderr, stdout } = await emsdb(["health", "--json"], url)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(decode(stdout)).toMatchObject({
    status: "healthy",
    database: { connection: "connected", connectionCount: 1, errorCount: 0 },
    performance: { pool: { max: 10, waiting: 0 } }
  })
  const forPeople = await emsdb(["health"], url)
  expect(forPeople).toMatchObject({ code: 0, stderr: "" })
  expect(forPeople.stdout).toMatch(/^healthy: The database answers\.\nanswer: within \d+ ms\n/)
  await close()
})

test("unhealthy: exit code 3, the report on stdout and its cause on stderr", async () => {
  const url = `postgres://somebody:${canary}@127.0.0.1:1/db`
  const { code, stderr, stdout } = await emsdb(["health", "--json"], url)
  expect(code).toBe(3)
  expect(decode(stdout)).toMatchObject({
    status: "unhealthy",
    database: { connection: "disconnected", lastHealthCheck: null, errorCount: 1 },
    message: "The database does not answer."
  })
  expect(Schema.decodeUnknownSync(Problem)(oneJson(stderr))).toMatchObject({ reason: "Unhealthy", exitCode: 3 })
  const forPeople = await emsdb(["health"], url)
  expect(forPeople.code).toBe(3)
  expect(forPeople.stdout).toMatch(/^unhealthy: /)
  expect(forPeople.stderr).toMatch(/^emsdb: ConnectFailed: .*refused.*\n$/)
})

test("EMS_LOG=debug logs to stderr and leaves stdout alone", async () => {
  const { close, url } = await createTestDatabase()
  const { code, stderr, stdout } = await emsdb(["health", "--json"], url, { EMS_LOG: "debug" })
  expect(code).toBe(0)
  expect(decode(stdout).status).toBe("healthy")
  expect(stderr).toMatch(/SELECT/)
  await close()
})
