import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { Bench } from "@ems/schema/contract/Bench"
import { afterAll, beforeAll, expect, test } from "vitest"
import { figuresOf } from "../src/bench/Load.ts"
import { decoded, emsdb, start } from "./Emsdb.ts"

/** An embedded database needs seconds to start, on a busy machine many. */
const patient = { EMS_CONNECT_TIMEOUT_MS: "60000", EMS_ACQUIRE_TIMEOUT_MS: "60000", EMS_QUERY_TIMEOUT_MS: "60000" }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
  await database.admin("create extension pg_stat_statements")
}, 60_000)
afterAll(() => database.close())

const bench = (...args: ReadonlyArray<string>) => emsdb(["bench", ...args], database.url)

const one = async <A>(sql: string): Promise<A> => (await database.admin(sql))[0]?.["x"] as A
const tableIsThere = () => one<boolean>("select to_regclass('ems_internal.bench') is not null as x")

/** How often the server ran what begins so. */
const callsOf = (text: string) =>
  one<number>(
    `select coalesce(sum(calls), 0)::int as x from pg_stat_statements where query like '${text}%'
    and dbid = (select oid from pg_database where datname = current_database())`
  )

test("what it says it did is what the server counted", { timeout: 60_000 }, async () => {
  await database.admin(
    "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()))"
  )
  const touched =
    "select coalesce(sum(seq_scan + idx_scan + n_tup_ins + n_tup_upd), 0)::int as x from pg_stat_user_tables "
    + "where schemaname = 'public'"
  const before = await one<number>(touched)
  const result = decoded(Bench, await bench("--seconds", "1", "--clients", "3", "--json"))
  expect(result.measurements.map(({ clients, measure }) => [measure, clients])).toEqual([
    ["round-trip", 1],
    ["connect", 1],
    ["read", 1],
    ["read", 3]
  ])
  for (const row of result.measurements) {
    const { durationMs, latencyAverageMs, maxMs, p50Ms, p95Ms, p99Ms, tps, transactions } = row
    expect(transactions).toBeGreaterThan(0)
    expect(tps).toBeCloseTo(transactions / durationMs * 1000, 3)
    expect([p50Ms, p95Ms, p99Ms, maxMs]).toEqual([p50Ms, p95Ms, p99Ms, maxMs].toSorted((a, b) => a - b))
    expect(latencyAverageMs).toBeLessThanOrEqual(maxMs)
    // A part of the second that was asked for, on a busy machine too.
    expect(durationMs).toBeGreaterThanOrEqual(250)
    expect(durationMs).toBeLessThan(5000)
  }
  const [roundTrip, , ...reads] = result.measurements
  // Each client does one beforehand that is not counted.
  expect(await callsOf("select relname from pg_class where oid")).toBe(
    reads.reduce((sum, { clients, transactions }) => sum + clients + transactions, 0)
  )
  expect(await callsOf("select $1")).toBeGreaterThanOrEqual((roundTrip?.transactions ?? Infinity) + 1)
  expect(await one<number>(touched)).toBe(before)
  expect(result).toMatchObject({ unavailableParts: [], poolMax: 10 })
  expect(result.longestStallMs).toBeGreaterThanOrEqual(0)
})

test("for people: a table, and that one run is no comparison", { timeout: 60_000 }, async () => {
  const { code, stderr, stdout } = await bench("--seconds", "1", "--clients", "2")
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout).toMatch(
    /^database: \S+, Postgres 18\.\d+\n measure +\| clients \| +done \| +tps \| +average \| +stddev \|/
  )
  expect(stdout).toContain("Figures of one run are no comparison")
  for (const line of stdout.split("\n").slice(0, 7)) expect(line.length).toBeLessThanOrEqual(100)
})

test("writes only when told so, to a table that is gone afterwards", { timeout: 120_000 }, async () => {
  const asked = await bench("--write")
  expect(asked).toMatchObject({ code: 2, stdout: "" })
  expect(asked.stderr).toMatch(/^emsdb: Write to ems_internal\.bench, [^\n]*--yes says so\n$/)

  // As a run that was killed leaves it.
  await database.admin("create table ems_internal.bench (other text)")
  await database.admin(
    "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()))"
  )
  const { measurements } = decoded(
    Bench,
    await bench("--write", "--yes", "--seconds", "1", "--clients", "12", "--json")
  )
  const writes = measurements.filter(({ measure }) => measure === "transaction")
  expect(writes.map(({ clients }) => clients)).toEqual([1, 12])
  expect(await callsOf("update ems_internal.bench")).toBe(
    writes.reduce((sum, { clients, transactions }) => sum + clients + transactions, 0)
  )
  expect(await tableIsThere()).toBe(false)
})

test("one run at a time writes", { timeout: 60_000 }, async () => {
  const client = await connect(database.url)
  await client.query("select pg_advisory_lock(-6288487990378330710)")
  const busy = await bench("--write", "--yes", "--seconds", "1")
  expect(busy).toMatchObject({ code: 4, stdout: "" })
  expect(busy.stderr).toMatch(/^emsdb: bench: LockTimeout: another emsdb bench --write is running on this database\n$/)
  expect(await tableIsThere()).toBe(false)
  await client.end()
})

test("Ctrl-C leaves no table, no session and no lock behind", { timeout: 60_000 }, async () => {
  const { child, ended } = start(["bench", "--write", "--yes", "--seconds", "60", "--clients", "4"], database.url)
  while (!(await tableIsThere())) await new Promise((resolve) => setTimeout(resolve, 20))
  // Into the midst of its transactions.
  await database.admin("select pg_sleep(1)")
  child.kill("SIGINT")
  expect(await ended).toMatchObject({
    code: 5,
    stdout: "",
    stderr: "emsdb: interrupted; what was not committed is undone\n"
  })
  expect(await tableIsThere()).toBe(false)
  const others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and "
    + "backend_type = 'client backend'"
  while (await one<number>(`select count(*)::int as x ${others}`) > 0) await database.admin("select pg_sleep(0.05)")
})

test("before init it says what to do", { timeout: 60_000 }, async () => {
  const { close, url } = await createTestDatabase({ template: false })
  const ended = await emsdb(["bench", "--write", "--yes", "--seconds", "1"], url)
  expect(ended).toMatchObject({ code: 5, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]*; run emsdb init first\n$/)
  await close()
})

test("on an embedded database all but connecting is measured", { timeout: 120_000 }, async () => {
  const result = decoded(
    Bench,
    await emsdb(["bench", "--seconds", "1", "--clients", "2", "--json"], "pglite:memory", patient)
  )
  expect(result.measurements.map(({ measure }) => measure)).toEqual(["round-trip", "read", "read"])
  expect(result.unavailableParts).toMatchObject([{ part: "connect", because: "backend" }])
  expect(result.poolMax).toBe(1)
})

test.each([
  ["no time", ["--seconds", "0"], "from 1 to 60"],
  ["an hour", ["--seconds", "3600"], "from 1 to 60"],
  ["too many clients", ["--clients", "101"], "from 1 to 100"]
])("%s: one line", async (_, args, says) => {
  const ended = await bench(...args)
  expect(ended).toMatchObject({ code: 2, stdout: "" })
  expect(ended.stderr).toContain(says)
})

test("figures: nearest rank, and the deviation of all that were done", () => {
  const latencies = Array.from({ length: 100 }, (_, at) => 100 - at)
  expect(figuresOf(latencies, 4, 2000)).toMatchObject({
    transactions: 100,
    clients: 4,
    tps: 50,
    latencyAverageMs: 50.5,
    p50Ms: 50,
    p95Ms: 95,
    p99Ms: 99,
    maxMs: 100
  })
  expect(figuresOf([2, 4, 4, 4, 5, 5, 7, 9], 1, 1).latencyStddevMs).toBe(2)
  expect(figuresOf([3], 1, 3)).toMatchObject({ p50Ms: 3, p99Ms: 3, latencyStddevMs: 0 })
})
