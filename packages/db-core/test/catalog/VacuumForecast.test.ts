import { describe, expect, it } from "vitest"
import { tableGrowth } from "../../src/catalog/tableGrowth.ts"
import type { VacuumDue } from "../../src/catalog/vacuumDue.ts"
import { forecast, vacuumForecast } from "../../src/catalog/VacuumForecast.ts"
import { ownServer } from "./OwnServer.ts"
import { keep, look, lookAgo } from "./Samples.ts"
import { situation, type Stage } from "./support.ts"

const hour = 3_600_000
const table = (more: Partial<VacuumDue>): VacuumDue => ({
  schema: "public",
  table: "t",
  isToast: false,
  isEnabled: true,
  isEnabledOnTable: true,
  bytes: 0,
  rows: 0,
  deadRows: 0,
  deadLimit: 1000,
  insertedRows: 0,
  insertLimit: 5000,
  modifiedRows: 0,
  analyzeLimit: 500,
  xidAge: 0,
  freezeLimit: 200_000_000,
  multixactAge: 0,
  multixactLimit: 400_000_000,
  lastVacuumAt: null,
  lastAnalyzeAt: null,
  phase: null,
  scannedShare: null,
  isHeldBack: false,
  ...more
})

describe("the forecast of VACUUM", () => {
  it("is what is left at the rate between the two", () => {
    const found = forecast(table({ deadRows: 100 }), table({ deadRows: 300, modifiedRows: 100 }), hour)
    expect(found.approaches[0]).toEqual({ cause: "dead", work: "vacuum", perHour: 200, dueInMs: 3.5 * hour })
    expect(found.vacuumInMs).toBe(3.5 * hour)
    expect(found.analyzeInMs).toBe(4 * hour)
  })

  it("is the first of several", () => {
    const found = forecast(table({}), table({ deadRows: 100, insertedRows: 2500, xidAge: 1_000_000 }), hour)
    expect(found.vacuumInMs).toBe(hour)
  })

  it("is now for what is over its limit, also when the rate is not known", () => {
    expect(forecast(table({ deadRows: 5000 }), table({ deadRows: 1001 }), hour).vacuumInMs).toBe(0)
  })

  it("knows nothing of a counter that began anew", () => {
    const found = forecast(table({ deadRows: 900 }), table({ deadRows: 10 }), hour)
    expect(found.approaches.map(({ cause }) => cause)).not.toContain("dead")
    expect(found.vacuumInMs).toBeNull()
  })

  it("is never where nothing grows, where inserts cause none, and in no time", () => {
    expect(forecast(table({ deadRows: 1 }), table({ deadRows: 1 }), hour).vacuumInMs).toBeNull()
    const without = { insertLimit: null }
    expect(forecast(table(without), table({ ...without, insertedRows: 9999 }), hour).vacuumInMs).toBeNull()
    expect(forecast(table({}), table({ deadRows: 10 }), 0)).toEqual({
      approaches: [],
      vacuumInMs: null,
      analyzeInMs: null
    })
  })

  it("has only what is against wraparound where autovacuum is off", () => {
    const off = { isEnabled: false }
    const found = forecast(table(off), table({ ...off, deadRows: 999, xidAge: 100_000_000 }), hour)
    expect(found.vacuumInMs).toBe(hour)
    expect(found.approaches.map(({ cause }) => cause)).toEqual(["xid", "multixact"])
  })
})

const of = async ({ rows }: Pick<Stage, "rows">, name: string, isToast = false) => {
  const found = (await rows(vacuumForecast)).find((row) => row.table === name && row.isToast === isToast)
  if (found === undefined) throw new Error(`no table ${name}`)
  return found
}

/** Counted at once, not when the session is next idle. */
const flush = "select pg_stat_force_next_flush()"

/** Autovacuum itself is off on the servers of these tests, and its tables may count as excepted. */
const due = "with (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, "
  + "autovacuum_analyze_threshold = 2000, autovacuum_analyze_scale_factor = 0)"

const kill = (name: string, rows: number) => [`update ${name} set v = v || 'x' where id <= ${rows}`, flush]

describe("the forecast of VACUUM from samples", () => {
  it("leaves out what has no rate", () => {
    const rates = { deadPerHour: null, insertedPerHour: null, modifiedPerHour: null, xidsPerHour: null }
    const row = {
      ...table({ deadRows: 900, insertedRows: 4000, modifiedRows: 400 }),
      ...rates,
      multixactsPerHour: null,
      samples: 2,
      observedMs: 0,
      unknown: "began-anew",
      askedMs: 0,
      vacuumInMs: null,
      vacuumAt: null,
      analyzeInMs: null,
      analyzeAt: null
    } as const
    expect(vacuumForecast.shown!(row)).toEqual(row)
    expect(vacuumForecast.shown!({ ...row, deadPerHour: 50 })).toEqual({
      ...row,
      deadPerHour: 50,
      vacuumInMs: 2 * hour,
      vacuumAt: "1970-01-01T02:00:00.000Z"
    })
  })

  situation("has the rates of what waits for it", async (stage) => {
    await keep(stage)
    await stage.admin(
      `create table t (id int, v text) ${due}`,
      "insert into t select n, '' from generate_series(1, 500) n"
    )
    await stage.admin(flush, "vacuum analyze t")
    expect(await of(stage, "t")).toMatchObject({ deadPerHour: null, vacuumAt: null, unknown: "too-few-samples" })
    await lookAgo(stage, 10)
    await stage.admin(...kill("t", 200))
    await look(stage)
    const row = await of(stage, "t")
    expect(row).toMatchObject({ deadRows: 200, modifiedRows: 200, samples: 2, unknown: null, insertedPerHour: 0 })
    expect(row.deadPerHour).toBeCloseTo(20, 1)
    expect(row.modifiedPerHour).toBeCloseTo(20, 1)
    if (row.isEnabled) {
      // 800 more dead rows, 1800 more modified ones.
      expect(row.vacuumInMs! / (40 * hour)).toBeCloseTo(1, 2)
      expect(row.analyzeInMs! / (90 * hour)).toBeCloseTo(1, 2)
      expect(Date.parse(row.vacuumAt!)).toBeCloseTo(Date.now() + row.vacuumInMs!, -5)
    }
  })

  situation("keeps its rates over a VACUUM, and has none of the time in which one came", async (stage) => {
    await keep(stage)
    const tables = ["often", "once"]
    await stage.admin(
      ...tables.flatMap((name) => [
        `create table ${name} (id int, v text) ${due}`,
        `insert into ${name} select n, '' from generate_series(1, 500) n`,
        flush,
        `vacuum analyze ${name}`
      ])
    )
    await lookAgo(stage, 20)
    await stage.admin(...kill("often", 100))
    await lookAgo(stage, 10)
    // More than were dead before it: by the counter alone they would pass for thirty.
    await stage.admin("vacuum often", "vacuum once", flush, ...kill("often", 130), ...kill("once", 130))
    await look(stage)
    const often = await of(stage, "often")
    expect(often).toMatchObject({ deadRows: 130, unknown: null })
    expect(often.deadPerHour).toBeCloseTo(10, 1)
    // ANALYZE did not come to it: 230 in 20 hours.
    expect(often.modifiedPerHour).toBeCloseTo(11.5, 1)
    expect((await of(stage, "once")).deadPerHour).toBeCloseTo(0, 1)
  })

  situation("has none after a reset of statistics, also past the old figure", async (stage) => {
    await keep(stage)
    const tables = ["one", "emptied"]
    await stage.admin(
      ...tables.flatMap((name) => [
        `create table ${name} (id int, v text) ${due}`,
        `insert into ${name} select n, '' from generate_series(1, 500) n`,
        ...kill(name, 10)
      ])
    )
    await lookAgo(stage, 24)
    await stage.admin(
      "select pg_stat_reset_single_table_counters('one'::regclass)",
      "truncate emptied",
      "insert into emptied select n, '' from generate_series(1, 500) n",
      ...kill("one", 300),
      ...kill("emptied", 300)
    )
    await look(stage)
    for (const name of tables) {
      expect(await of(stage, name)).toMatchObject({
        deadPerHour: null,
        insertedPerHour: null,
        modifiedPerHour: null,
        // Ids go on: against wraparound it comes all the same, in ages.
        vacuumAt: null,
        analyzeInMs: null,
        unknown: "began-anew"
      })
    }
  })

  situation("has those of TOAST apart", async (stage) => {
    await keep(stage)
    await stage.admin(
      "create table t (id int, v text)",
      "alter table t alter v set storage external",
      "insert into t select n, repeat('x', 5000) from generate_series(1, 50) n",
      flush
    )
    await lookAgo(stage, 10)
    await stage.admin("update t set v = v || 'y' where id <= 20", flush)
    await look(stage)
    const toast = await of(stage, "t", true)
    expect(toast.unknown).toBeNull()
    expect(toast.deadPerHour).toBeCloseTo(toast.deadRows / 10, 1)
    expect(toast.deadRows).toBeGreaterThan(20)
    expect((await of(stage, "t")).deadPerHour).toBeCloseTo(2, 1)
  })

  ownServer("outlives a restart, and begins anew with the counters after a crash", {
    autovacuum: "off",
    synchronous_commit: "on"
  }, async (server) => {
    await keep(server)
    await server.admin(
      "create table t (id int, v text)",
      "insert into t select n, '' from generate_series(1, 500) n",
      flush
    )
    await lookAgo(server, 20)
    await server.admin(...kill("t", 100))
    await server.restart("clean")
    await lookAgo(server, 10)
    const before = await of(server, "t")
    expect(before).toMatchObject({ deadRows: 100, unknown: null })
    expect(before.deadPerHour).toBeCloseTo(10, 1)
    await server.restart("crash")
    await server.admin(...kill("t", 300))
    await look(server)
    // Ten hours of it are the same as before, and the other ten are not taken for anything.
    const after = await of(server, "t")
    expect(after).toMatchObject({ deadRows: 300, samples: 3, unknown: null })
    expect(after.deadPerHour).toBeCloseTo(before.deadPerHour!, 5)
    const growth = (await server.rows(tableGrowth)).find((row) => row.table === "t")
    expect(growth).toMatchObject({ samples: 3, unknown: null })
    expect(growth!.observedMs / (20 * hour)).toBeCloseTo(1, 2)
  })
})
