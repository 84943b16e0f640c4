import { createTestDatabase, freePort } from "@ems/db-testing"
import { Doctor } from "@ems/schema/contract/Doctor"
import { Problem } from "@ems/schema/contract/Problem"
import * as Schema from "effect/Schema"
import { expect, inject, test } from "vitest"
import { canary, emsdb, oneJson } from "./Emsdb.ts"

const decode = (text: string): Doctor => Schema.decodeUnknownSync(Doctor)(oneJson(text), { onExcessProperty: "error" })

const onTheServer = (change: (url: URL) => void) => {
  const url = new URL(inject("postgresUrl"))
  change(url)
  return url.href
}

test("a superuser's URL: exit code 1, and what to do instead", async () => {
  const { close, name, url } = await createTestDatabase()
  const { code, stderr, stdout } = await emsdb(["doctor", "--json"], url)
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" })
  const { steps, verdict } = decode(stdout)
  expect(verdict).toBe("findings")
  expect(steps.find((step) => step.name === "role")).toMatchObject({ status: "warning", seen: { database: name } })
  const forPeople = await emsdb(["doctor"], url)
  expect(forPeople).toMatchObject({ code: 1, stderr: "" })
  expect(forPeople.stdout).toMatch(/^configuration +ok +the settings can be used\n/)
  expect(forPeople.stdout).toMatch(/\nrole +warning +the role is a superuser/)
  expect(forPeople.stdout).toContain("to do: make one without: CREATE ROLE app")
  expect(forPeople.stdout.split("\n").every((line) => line.length <= 100)).toBe(true)
  await close()
})

test("all in order: exit code 0", async () => {
  const { admin, close, name, url } = await createTestDatabase({ template: false })
  const role = `${name}_app`
  await admin("create extension pg_stat_statements")
  await admin(`create role ${role} login password '${canary}'`)
  await admin(`grant create on database ${name} to ${role}`)
  await admin(`grant create on schema public to ${role}`)
  await admin(`grant pg_monitor to ${role}`)
  const its = new URL(url)
  its.username = role
  its.password = canary
  const { code, stderr, stdout } = await emsdb(["doctor"], its.href)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout).toMatch(/\n14 steps in .*: 12 ok, 0 warnings, 0 failed, 2 skipped\n$/)
  await admin(`drop owned by ${role}`)
  await admin(`drop role ${role}`)
  await close()
})

test.each([
  { what: "a closed port", step: "tcp", url: async () => `postgres://u:${canary}@127.0.0.1:${await freePort()}/db` },
  { what: "a wrong password", step: "authentication", url: async () => onTheServer((url) => url.password = canary) },
  { what: "no such database", step: "authentication", url: async () => onTheServer((url) => url.pathname = "/nobody") },
  { what: "a server without TLS", step: "tls", url: async () => onTheServer((url) => url.search = "sslmode=require") }
])("$what: exit code 3, the report on stdout, and on stderr only the step", async ({ step, url }) => {
  const at = await url()
  const { code, stderr, stdout } = await emsdb(["doctor", "--json"], at)
  expect(code).toBe(3)
  const report = decode(stdout)
  expect(report.verdict).toBe("unreachable")
  const failed = report.steps.filter(({ status }) => status === "failed")
  expect(failed.map(({ name }) => name)).toEqual([step])
  expect(failed[0]?.advice.length).toBeGreaterThan(0)
  expect(Schema.decodeUnknownSync(Problem)(oneJson(stderr))).toMatchObject({ reason: "Unhealthy", exitCode: 3 })
  const forPeople = await emsdb(["doctor"], at)
  expect(forPeople.code).toBe(3)
  expect(forPeople.stderr).toBe(`emsdb: no connection: the step ${step} failed\n`)
  expect(forPeople.stdout.replace(/\s+/g, " ")).toContain(`needs ${step}, which failed`)
})

test("settings that cannot be used: exit code 2, and the URL nowhere", async () => {
  const { code, stderr, stdout } = await emsdb(["doctor", "--json"], `mysql://u:${canary}@h/db`)
  expect(code).toBe(2)
  expect(decode(stdout)).toMatchObject({
    verdict: "misconfigured",
    steps: [{ name: "configuration", status: "failed" }, ...Array.from({ length: 13 }, () => ({ status: "skipped" }))]
  })
  expect(Schema.decodeUnknownSync(Problem)(oneJson(stderr))).toMatchObject({ exitCode: 2 })
  const none = await emsdb(["doctor"])
  expect(none.code).toBe(2)
  expect(none.stderr).toMatch(/^emsdb: DATABASE_URL: <missing>[^\n]*\n$/)
})

test("an embedded database", { timeout: 60_000 }, async () => {
  const { code, stderr, stdout } = await emsdb(["doctor", "--json"], "pglite:memory", {
    // It takes seconds to start, and longer on a busy machine.
    EMS_CONNECT_TIMEOUT_MS: "50000",
    EMS_QUERY_TIMEOUT_MS: "60000"
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  const { steps } = decode(stdout)
  expect(steps.find(({ name }) => name === "tls")?.summary).toBe("not applicable: the database is embedded")
})
