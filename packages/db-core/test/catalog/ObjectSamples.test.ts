import { connect } from "@ems/db-testing/Admin"
import { sql } from "drizzle-orm"
import { describe, expect } from "vitest"
import { Catalog } from "../../src/catalog/Catalog.ts"
import * as Samples from "../../src/catalog/ObjectSamples.ts"
import { Database } from "../../src/connection/Database.ts"
import * as Store from "../../src/migration/ObjectSamples.ts"
import { keep, look, open, table } from "./Samples.ts"
import { situation, type Stage } from "./support.ts"

const count = async ({ rows }: Pick<Stage, "rows">, what: string): Promise<number> => {
  const [row] = await rows<{ count: number }>({ name: "count", sql: () => `select ${what}::int4 as count` })
  return row!.count
}

const kept = (stage: Pick<Stage, "rows">, where = "true") =>
  count(stage, `(select count(*) from ${table} where ${where})`)

describe("object samples", () => {
  situation("say that there is nothing to keep them in, and then keep them", async (stage) => {
    await stage.admin("drop table if exists ems_internal.object_sample")
    expect((await stage.run(Catalog.use(({ server }) => server))).hasSamples).toBe(false)
    expect(await look(stage)).toMatchObject({ _tag: "Unavailable", unavailable: { because: "statistics" } })
    expect(await stage.run(Store.install)).toBe(true)
    expect(await stage.run(Store.install)).toBe(false)
    expect((await stage.run(Catalog.use(({ server }) => server))).hasSamples).toBe(true)
    await stage.admin(
      "create table t (id serial primary key, v text)",
      "insert into t (v) select 'x' from generate_series(1, 100)",
      "create table p (id int) partition by range (id)",
      "create sequence unused"
    )
    const sampled = await look(stage)
    expect(sampled).toEqual({ _tag: "Sampled", objects: await kept(stage) })
    expect(await kept(stage, "object = 't'::regclass and kind = 'table' and value = pg_total_relation_size('t')")).toBe(
      1
    )
    expect(await kept(stage, "object = 'p'::regclass and value = 0 and layout is null")).toBe(1)
    expect(await kept(stage, "object = 't_id_seq'::regclass and kind = 'sequence' and value = 100")).toBe(1)
    expect(await kept(stage, "object = 'unused'::regclass")).toBe(0)
    expect(
      await kept(stage, "kind = 'xid' and abs(value - pg_snapshot_xmax(pg_current_snapshot())::text::float8) < 1000")
    ).toBe(1)
    expect(await kept(stage, "kind = 'multixact' and value >= 0")).toBe(1)
  })

  situation("are the same whatever a session calls an instant", async (stage) => {
    await keep(stage)
    await stage.admin("create table t (id serial primary key)", "insert into t default values")
    await look(stage)
    await stage.admin(
      `do $$ begin execute format('alter database %I set timezone = %L', current_database(), 'Asia/Tokyo'); end $$`
    )
    const abroad = open(stage.url)
    try {
      expect(await look({ run: (effect) => abroad.runPromise(effect) })).toMatchObject({ _tag: "Sampled" })
      const zone = Database.use((database) => database.query((db) => db.execute(sql`show timezone`)))
      expect((await abroad.runPromise(zone)).rows).toEqual([{ TimeZone: "Asia/Tokyo" }])
    } finally {
      await abroad.dispose()
    }
    for (const era of ["layout", "vacuumed", "analyzed"]) {
      const sorts = `(select count(distinct ${era}) from ${table} where object = 't'::regclass)`
      expect(await count(stage, sorts)).toBe(1)
    }
  }, { embedded: false })

  situation("of many processes one looks, and within the hour nobody else", async (stage) => {
    await keep(stage)
    await look(stage)
    const hourly = () => stage.run(Samples.sample())
    const looks = await Promise.all(Array.from({ length: 6 }, hourly))
    expect(looks).toEqual(looks.map(() => ({ _tag: "Skipped", because: expect.stringMatching(/recent|busy/) })))
    await stage.admin(`update ${table} set at = at - interval '61 min'`)
    const again = await Promise.all(Array.from({ length: 6 }, hourly))
    expect(again.filter(({ _tag }) => _tag === "Sampled")).toHaveLength(1)
    expect(await count(stage, `(select count(distinct at) from ${table})`)).toBe(2)

    const other = await connect(stage.url)
    await other.query(`begin; select pg_advisory_xact_lock(hashtextextended('${table}', 0))`)
    expect(await look(stage)).toEqual({ _tag: "Skipped", because: "busy" })
    await other.end()
  }, { embedded: false })

  situation("keep each look of two days, then one a day, and of 90 days at most", async (stage) => {
    await keep(stage)
    await look(stage)
    await stage.admin(
      `insert into ${table} (database, at, kind, object, value)
        select s.database, s.at - h * interval '1 hour', s.kind, s.object, s.value
        from ${table} s, generate_series(1, 100 * 24) h where s.kind in ('xid', 'multixact')`,
      // What was copied with the database from another one goes, too, when it is old.
      `insert into ${table} (database, at, kind, object, value) values (1, now() - interval '91 days', 'xid', 0, 1),
        (1, now() - interval '89 days', 'xid', 0, 1), (1, now() - interval '89 days 1 s', 'xid', 0, 1)`
    )
    await look(stage)
    const ours = "kind = 'xid' and database <> 1"
    const young = await kept(stage, `${ours} and at >= now() - interval '2 days'`)
    expect(young).toBeGreaterThanOrEqual(48)
    expect(young).toBeLessThanOrEqual(50)
    const old = await kept(stage, `${ours} and at < now() - interval '2 days'`)
    expect(old).toBeGreaterThanOrEqual(88)
    expect(old).toBeLessThanOrEqual(89)
    // The last of its day in UTC.
    expect(
      await count(
        stage,
        `(select count(*) from (select max(at) as at from ${table} where ${ours} and at < now() - interval '3 days'
          group by date_trunc('day', at, 'UTC')) d where extract(hour from at at time zone 'UTC') <> 23)`
      )
    ).toBeLessThanOrEqual(1)
    expect(await kept(stage, "database = 1")).toBe(2)
    expect(await kept(stage, "at < now() - interval '90 days 1 min'")).toBe(0)
  })

  situation("neither wait for what is locked nor hold what is only estimated of it", async (stage) => {
    await keep(stage)
    await stage.admin(
      "create table t (id int primary key)",
      "create table other (id int)",
      "insert into t values (1)",
      "create table p (id int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (100)"
    )
    const sized = (name: string) => kept(stage, `object = '${name}'::regclass and value is not null`)
    const session = await connect(stage.url)
    try {
      for (const locked of ["lock table t in access exclusive mode", "reindex index t_pkey"]) {
        await stage.admin(`delete from ${table}`)
        await session.query(`begin; ${locked}`)
        expect(await look(stage)).toMatchObject({ _tag: "Sampled" })
        await session.query("rollback")
        expect([await sized("t"), await sized("other"), await sized("p")]).toEqual([0, 1, 0])
      }
      await stage.admin(`delete from ${table}`)
      await look(stage)
      expect([await sized("t"), await sized("other"), await sized("p")]).toEqual([1, 1, 1])
    } finally {
      await session.end()
    }
  }, { embedded: false })

  situation("hold the largest tables only", async (stage) => {
    await keep(stage)
    await stage.admin(
      `do $$ begin for n in 1..${
        Samples.mostObjects + 20
      } loop execute format('create table small_%s (id int)', n); end loop; end $$`,
      "create table big as select generate_series(1, 1000) as n"
    )
    await look(stage)
    expect(await kept(stage, "kind = 'table' and value is not null")).toBe(Samples.mostObjects)
    expect(await kept(stage, "object = 'big'::regclass")).toBe(1)
  })

  situation("are kept and read by who may read all statistics, and by nobody else", async (stage) => {
    await keep(stage)
    const role = `reader_${new URL(stage.url).pathname.slice(1)}`
    await stage.admin(`create role ${role} login password 'reader'`)
    const address = new URL(stage.url)
    address.username = role
    address.password = "reader"
    const reader = open(address.href)
    try {
      const facts = () => reader.runPromise(Catalog.use(({ server }) => server))
      expect((await facts()).hasSamples).toBe(false)
      expect(await reader.runPromise(Samples.sample())).toMatchObject({ unavailable: { because: "privilege" } })
      await stage.admin(`grant pg_read_all_stats to ${role}`)
      expect((await facts()).hasSamples).toBe(true)
      expect(await reader.runPromise(Samples.sample())).toMatchObject({ _tag: "Sampled" })
    } finally {
      await reader.dispose()
      await stage.admin(`drop role ${role}`)
    }
  }, { embedded: false })
})
