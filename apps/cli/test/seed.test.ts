import { connect, createTestDatabase } from "@ems/db-testing"
import { Problem } from "@ems/schema/contract/Problem"
import { Seed } from "@ems/schema/contract/Seed"
import * as Schema from "effect/Schema"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { emsdb, oneJson, start } from "./Emsdb.ts"

const decode = (text: string) => Schema.decodeUnknownSync(Seed)(oneJson(text))
const tables = ["users", "events", "registrations", "payment_history"]

type Database = Awaited<ReturnType<typeof createTestDatabase>>

/** Of every column of every row. */
const hashes = async ({ admin }: Database) => {
  const found: Array<{ readonly table: string; readonly rows: unknown; readonly hash: unknown }> = []
  for (const table of tables) {
    const [row] = await admin(
      `select count(*)::int as rows, md5(string_agg(t::text, '|' order by id)) as hash from ${table} t`
    )
    found.push({ table, rows: row?.["rows"], hash: row?.["hash"] })
  }
  return found
}

const none = async ({ admin }: Database, what: string, sql: string) => expect(await admin(sql), what).toEqual([])

test("the same scale gives the same rows, whatever the session's time zone and the sequences are", async () => {
  const [a, b] = [await createTestDatabase(), await createTestDatabase()]
  await b.admin(`alter database ${b.name} set timezone = 'America/New_York'`)
  await b.admin("select nextval('users_id_seq'), nextval('payment_history_id_seq')")
  const runs = [
    await emsdb(["seed", "--scale", "2", "--json"], a.url),
    await emsdb(["seed", "--scale=2", "--json"], b.url)
  ]
  for (const { code, stderr, stdout } of runs) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(decode(stdout)).toMatchObject({
      seeded: true,
      scale: 2,
      rows: { users: 2000, events: 400, registrations: 10_000 }
    })
  }
  // The oracle of `a` and that of `b` in one time zone: a row's text shows its instants in the session's.
  await b.admin("set timezone = 'UTC'")
  await a.admin("set timezone = 'UTC'")
  const rows = await hashes(a)
  expect(rows).toEqual(await hashes(b))
  expect(rows.map(({ rows }) => rows).slice(0, 3)).toEqual([2000, 400, 10_000])
  await Promise.all([a.close(), b.close()])
})

test("the sample is one that the product could have written", async () => {
  const database = await createTestDatabase()
  expect((await emsdb(["seed"], database.url)).code).toBe(0)
  const check = (what: string, sql: string) => none(database, what, sql)
  await check(
    "places sold beyond the room",
    "select e.id from events e join registrations r on r.event_id = e.id group by e.id having sum(r.quantity) > e.capacity"
  )
  await check(
    "registrations for a draft",
    "select r.id from registrations r join events e on e.id = r.event_id where e.status = 'draft'"
  )
  await check(
    "an amount or a currency that is not the event's",
    "select r.id from registrations r join events e on e.id = r.event_id where r.amount_minor <> r.quantity * e.price_minor or r.currency <> e.currency"
  )
  await check(
    "a registration before its event or its user was there, or after the deadline",
    `select r.id from registrations r join events e on e.id = r.event_id join users u on u.id = r.user_id
     where r.registration_date < e.created_at or r.registration_date < u.created_at or r.registration_date > e.registration_deadline`
  )
  await check(
    "a settled registration whose last payment says something else, or a pending one with a payment",
    `select r.id from registrations r left join lateral (
       select p.status from payment_history p where p.registration_id = r.id order by p.transaction_date desc, p.id desc limit 1
     ) p on true where p.status is distinct from nullif(r.payment_status, 'pending')`
  )
  const distinct = await database.admin(
    `select (select count(distinct status)::int from events) as events, (select count(distinct currency)::int from events) as currencies,
            (select count(distinct payment_status)::int from registrations) as payments,
            (select bool_or(price_minor = 0) from events) as free,
            (select count(*)::int from admin_users) as admins`
  )
  expect(distinct).toEqual([{ events: 4, currencies: 5, payments: 4, free: true, admins: 0 }])
  const analyzed = await database.admin("select relname from pg_class where relname = any ($1) and reltuples <= 0", [
    tables
  ])
  expect(analyzed).toEqual([])
  // The sequences were moved: the next row of the product finds a free id.
  await database.admin("insert into users (email, name) values ('new@example.com', 'New')")
  await database.close()
})

test("does nothing where rows are, and --force adds without touching them", async () => {
  const database = await createTestDatabase()
  await database.admin("insert into users (email, name) values ('a@example.com', 'A')")
  const refused = await emsdb(["seed", "--json"], database.url)
  expect(refused).toMatchObject({ code: 0, stderr: "" })
  expect(decode(refused.stdout)).toMatchObject({ seeded: false, reason: "there are rows already in users", rows: {} })
  expect(await database.admin("select count(*)::int as n from users")).toEqual([{ n: 1 }])
  for (const total of [1001, 2001]) {
    const { code, stdout } = await emsdb(["seed", "--force", "--json"], database.url)
    expect(code).toBe(0)
    expect(decode(stdout).seeded).toBe(true)
    expect(await database.admin("select count(*)::int as n from users")).toEqual([{ n: total }])
  }
  expect(await database.admin("select name from users where email = 'a@example.com'")).toEqual([{ name: "A" }])
  await database.close()
})

test("five at once: one seeds, the others find rows", async () => {
  const database = await createTestDatabase()
  const all = await Promise.all(Array.from({ length: 5 }, () => emsdb(["seed", "--json"], database.url)))
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
  expect(all.filter(({ stdout }) => decode(stdout).seeded)).toHaveLength(1)
  expect(await database.admin("select count(*)::int as n from registrations")).toEqual([{ n: 5000 }])
  await database.close()
})

/** Holds a lock that the seed needs while `body` runs. */
const whileLocked = async ({ url }: Database, body: () => Promise<void>) => {
  const client = await connect(url)
  try {
    await client.query("begin")
    await client.query("lock table events in share mode")
    await body()
  } finally {
    await client.end()
  }
}

const somebodyWaits = async ({ admin, name }: Database) => {
  for (;;) {
    const waiting = await admin("select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'", [
      name
    ])
    if (waiting.length > 0) return
    await sleep(20)
  }
}

test("a lock that stays held: exit code 4 after ten seconds, nothing written", { timeout: 40_000 }, async () => {
  const database = await createTestDatabase()
  await whileLocked(database, async () => {
    const { code, stderr, stdout } = await emsdb(["seed", "--json"], database.url)
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" })
    expect(Schema.decodeUnknownSync(Problem)(oneJson(stderr))).toMatchObject({ reason: "LockTimeout", exitCode: 4 })
  })
  await none(database, "rows", "select id from users limit 1")
  await database.close()
})

test.each(["SIGINT", "SIGTERM"] as const)("%s: exit code 5, one line, nothing written", async (signal) => {
  const database = await createTestDatabase()
  await whileLocked(database, async () => {
    const { child, ended } = start(["seed"], database.url)
    await somebodyWaits(database)
    child.kill(signal)
    expect(await ended).toEqual({
      code: 5,
      stdout: "",
      stderr: "emsdb: cancelling; Ctrl-C again leaves at once\nemsdb: interrupted; no row was kept\n"
    })
  })
  await none(database, "rows", "select id from users limit 1")
  await database.close()
})
