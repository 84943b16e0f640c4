/** What callers of the cache rely on, on real Postgres. The races are in `trust/cache`. */
import { connect } from "@ems/db-testing/Admin"
import type { TestDatabase } from "@ems/db-testing/TestDatabase"
import { eq, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { Input } from "../../../src/config/DbConfig.ts"
import { children, type Layer, openLayer, parents, tracked, until } from "./support.ts"

describe("Optimizer", () => {
  let database: TestDatabase
  const open: Array<Layer> = []
  beforeAll(async () => {
    database = await tracked()
  })
  afterEach(async () => {
    for (const layer of open.splice(0)) await layer.close()
  })
  afterAll(async () => {
    await database.close()
  })
  const layerOf = async (settings: Partial<Input> = {}, url = database.url): Promise<Layer> => {
    const layer = await openLayer(url, settings)
    open.push(layer)
    return layer
  }
  /** One whose feed is connected: what is read before that is not kept. */
  const liveLayer = async (settings: Partial<Input> = {}): Promise<Layer> => {
    const layer = await layerOf(settings)
    await until(async () => {
      await layer.read((db) => db.select().from(parents).where(eq(parents.id, -1)))
      return (await layer.snapshot()).entries === 1
    })
    return layer
  }
  const set = (layer: Layer, id: number, v: number) =>
    layer.run(layer.database.query((db) => db.update(parents).set({ v }).where(eq(parents.id, id))))

  it("answers a prepared query without a fibre, and shares one frozen value", async () => {
    const layer = await layerOf()
    const query = layer.optimizer.prepare(
      await layer.run(
        layer.database.query((db) =>
          Effect.succeed(db.select().from(parents).where(eq(parents.id, sql.placeholder("id"))).prepare("parent"))
        )
      )
    )
    expect(query.tryHit({ id: 1 })).toBe(undefined)
    const first = await layer.run(query.execute({ id: 1 }))
    const hit = query.tryHit({ id: 1 })
    expect(hit).toEqual([{ id: 1, v: 0 }])
    expect(hit).toBe(first)
    expect(await layer.run(query.execute({ id: 1 }))).toBe(hit)
    expect(() => (hit as Array<unknown>).push(1)).toThrow(TypeError)
    expect(query.tryHit({ id: 2 })).toBe(undefined)
    await set(layer, 1, 1)
    expect(query.tryHit({ id: 1 })).toBe(undefined)
    await set(layer, 1, 0)
  })

  it("keeps two queries of one text apart that make different things of it", async () => {
    const layer = await liveLayer()
    const before = (await layer.snapshot()).hits
    expect(await layer.read((db) => db.select({ a: parents.id }).from(parents).where(eq(parents.id, 1)))).toEqual([
      { a: 1 }
    ])
    expect(await layer.read((db) => db.select({ b: parents.id }).from(parents).where(eq(parents.id, 1)))).toEqual([
      { b: 1 }
    ])
    expect((await layer.snapshot()).hits - before).toBe(1)
  })

  it("gives relational queries with their nested rows, each reader its own", async () => {
    const layer = await liveLayer()
    const before = (await layer.snapshot()).hits
    const read = () => layer.read((db) => db.query.parents.findMany({ where: { id: 2 }, with: { children: true } }))
    const first = await read()
    expect(first[0]?.children.map(({ id }) => id)).toEqual([1, 11])
    first[0]!.children.length = 0
    expect((await read())[0]?.children).toHaveLength(2)
    expect((await layer.snapshot()).hits - before).toBe(1)
    await layer.run(layer.database.query((db) => db.delete(children).where(eq(children.id, 11))))
    expect((await read())[0]?.children).toHaveLength(1)
  })

  it("runs one query for five hundred who miss at once", async () => {
    const layer = await liveLayer({ cacheStaleness: 10_000 })
    await layer.read((db) => db.select().from(children).where(eq(children.id, 1)))
    const before = (await layer.snapshot()).misses
    const found = await layer.run(Effect.all(
      Array.from(
        { length: 500 },
        () => layer.database.query((db) => layer.optimizer.cached(db.select().from(children).where(eq(children.id, 2))))
      ),
      { concurrency: "unbounded" }
    ))
    expect(found).toHaveLength(500)
    expect((await layer.snapshot()).misses - before).toBe(1)
  })

  it("goes to the database inside a transaction, and sees the transaction's own rows", async () => {
    const layer = await layerOf()
    const read = (id: number) =>
      layer.database.query((db) => layer.optimizer.cached(db.select().from(parents).where(eq(parents.id, id))))
    await layer.run(read(3))
    const inside = await layer.run(
      layer.database.transaction((tx) =>
        Effect.andThen(tx.update(parents).set({ v: 33 }).where(eq(parents.id, 3)), read(3))
      )
    )
    expect(inside).toEqual([{ id: 3, v: 33 }])
    expect((await layer.snapshot()).bypasses).toEqual({ transaction: 1 })
    expect(await layer.run(read(3))).toEqual([{ id: 3, v: 33 }])
  })

  it("does not forget anything for a transaction that rolled back or wrote nothing", async () => {
    const layer = await layerOf()
    const read = () => layer.read((db) => db.select().from(parents).where(eq(parents.id, 4)))
    const settled = async () => {
      const before = await layer.snapshot()
      await read()
      return (await layer.snapshot()).misses === before.misses
    }
    await read()
    await read()
    await layer.run(
      Effect.ignore(
        layer.database.transaction((tx) =>
          Effect.andThen(tx.update(parents).set({ v: 44 }).where(eq(parents.id, 4)), Effect.fail("back" as const))
        )
      )
    )
    expect(await settled()).toBe(true)
    await layer.run(layer.database.transaction((tx) => tx.select().from(children)))
    expect(await settled()).toBe(true)
  })

  it("sees what cascades, triggers and functions of an own write did, at once", async () => {
    const layer = await layerOf({ cacheStaleness: 60_000, cachePollInterval: 60_000 })
    await database.admin(
      "create or replace function note_parent() returns trigger language plpgsql as " +
        "$$ begin update parents set v = v + 1 where id = new.parent_id; return new; end $$"
    )
    const count = () => layer.read((db) => db.select().from(children).where(eq(children.parentId, 7)))
    const parent = async () => (await layer.read((db) => db.select().from(parents).where(eq(parents.id, 5))))[0]?.v
    await layer.run(layer.database.query((db) => db.insert(children).values({ id: 700, parentId: 7 })))
    await layer.run(layer.database.query((db) => db.insert(children).values({ id: 701, parentId: 7 })))
    expect(await count()).toHaveLength(4)
    await layer.run(layer.database.query((db) => db.delete(parents).where(eq(parents.id, 7))))
    expect(await count()).toHaveLength(0)
    await database.admin("create trigger noting after insert on children for each row execute function note_parent()")
    await until(async () => {
      const before = await parent()
      await layer.run(
        layer.database.query((db) =>
          db.insert(children).values({ id: 1000 + Math.trunc(Math.random() * 1e6), parentId: 5 })
        )
      )
      return await parent() === before! + 1
    })
    await database.admin("drop trigger noting on children")
  })

  it("tells another process which transaction it has to have seen", async () => {
    const writer = await layerOf()
    const reader = await layerOf({ cacheStaleness: 60_000, cachePollInterval: 60_000 })
    const read = (after?: string) =>
      reader.read(
        (db) => db.select().from(parents).where(eq(parents.id, 6)),
        after === undefined ? {} : { consistency: { after } }
      )
    await read()
    const { after, value } = await writer.run(writer.optimizer.causal(
      writer.database.write((db) => db.update(parents).set({ v: 66 }).where(eq(parents.id, 6)).returning())
    ))
    expect(value).toEqual([{ id: 6, v: 66 }])
    expect(after).toMatch(/^\d+$/)
    expect(await read()).toEqual([{ id: 6, v: 0 }])
    expect(await read(after)).toEqual([{ id: 6, v: 66 }])
    const bad = await reader.run(
      Effect.flip(
        reader.database.query((db) =>
          reader.optimizer.cached(db.select().from(parents), { consistency: { after: "1; drop table parents" } })
        )
      )
    )
    expect(bad).toMatchObject({ reason: { _tag: "InvalidData" }, fate: "NotSent" })
  })

  it("caches under row security only with the settings that its policies read", async () => {
    await database.admin("create role tenant_reader login password 'tenant'")
    await database.admin("create table secrets (tenant text, note text)")
    await database.admin("insert into secrets values ('a', 'of a'), ('b', 'of b')")
    await database.admin("create policy own on secrets using (tenant = current_setting('app.tenant', true))")
    await database.admin("alter table secrets enable row level security")
    await database.admin("grant select on secrets to tenant_reader")
    await database.admin("select ems_internal.track('secrets')")
    const url = new URL(database.url)
    url.username = "tenant_reader"
    url.password = "tenant"
    const layer = await layerOf({}, url.href)
    const notes = async (tenant?: string) =>
      (await layer.read(
        (db) => db.execute<{ note: string }>(sql`select note from secrets`),
        tenant === undefined ? {} : { scope: { "app.tenant": tenant } }
      )).rows.map(({ note }) => note)
    expect(await notes("a")).toEqual(["of a"])
    expect(await notes("b")).toEqual(["of b"])
    expect(await notes("a")).toEqual(["of a"])
    expect(await notes()).toEqual([])
    expect(await layer.snapshot()).toMatchObject({ hits: 1, misses: 2, bypasses: { row_security: 1 } })
  })

  it("asks the database while the change log does not answer", async () => {
    const layer = await layerOf()
    const read = async () => (await layer.read((db) => db.select().from(parents).where(eq(parents.id, 8))))[0]?.v
    await read()
    expect(await read()).toBe(0)
    // The log is renamed: every poll fails, and everything else works.
    const client = await connect(database.url)
    await client.query("alter table ems_internal.epoch rename to elsewhere")
    await until(async () => (await read(), (await layer.snapshot()).guarantee === "none"))
    await database.admin("update parents set v = 88 where id = 8")
    expect(await read()).toBe(88)
    expect((await layer.snapshot()).bypasses.feed).toBeGreaterThanOrEqual(1)
    await client.query("alter table ems_internal.elsewhere rename to epoch")
    await client.end()
  })

  it("without a change log caches by time alone, where the call says so", async () => {
    const layer = await layerOf({ cacheFeed: "none" })
    const read = (ttl?: number) =>
      layer.read((db) => db.select().from(parents).where(eq(parents.id, 10)), ttl === undefined ? {} : { ttl })
    await read()
    await read(60_000)
    await database.admin("update parents set v = 10 where id = 10")
    expect(await read(60_000)).toEqual([{ id: 10, v: 0 }])
    await set(layer, 10, 11)
    expect(await read(60_000)).toEqual([{ id: 10, v: 11 }])
    await layer.read((db) => db.select().from(parents), { ttl: 60_000, consistency: "strong" })
    expect(await layer.snapshot()).toMatchObject({
      guarantee: "ttl",
      stalenessMs: null,
      feed: null,
      hits: 1,
      bypasses: { ttl_required: 1, consistency: 1 }
    })
    const short = () => layer.read((db) => db.select().from(parents).where(eq(parents.id, 1)), { ttl: 20 })
    await short()
    await new Promise((done) => setTimeout(done, 30))
    const before = (await layer.snapshot()).misses
    await short()
    expect((await layer.snapshot()).misses).toBe(before + 1)
  })

  it("invalidates by tag and by table, and obeys its bounds", async () => {
    const layer = await layerOf({ cacheMaxEntries: 3, cacheMaxEntryBytes: 2000 })
    const read = (id: number) =>
      layer.read((db) => db.select().from(parents).where(eq(parents.id, id)), { tags: [`parent ${id}`] })
    const misses = async (body: () => Promise<unknown>) => {
      const before = (await layer.snapshot()).misses
      await body()
      return (await layer.snapshot()).misses - before
    }
    await read(1)
    await read(2)
    await layer.run(layer.optimizer.invalidate({ tags: ["parent 1"] }))
    expect(await misses(() => read(1))).toBe(1)
    expect(await misses(() => read(2))).toBe(0)
    await layer.run(layer.optimizer.invalidate({ tables: ["parents"] }))
    expect(await misses(() => read(2))).toBe(1)
    for (const id of [1, 2, 3, 4, 5]) await read(id)
    expect((await layer.snapshot()).entries).toBe(3)
    await layer.read((db) => db.execute(sql`select repeat('x', 5000) from parents`))
    expect(await layer.snapshot()).toMatchObject({ entries: 3, tooLarge: 1 })
    await layer.run(layer.optimizer.configure({ maxEntries: 1 }))
    expect(await layer.snapshot()).toMatchObject({ entries: 1, maxEntries: 1 })
    expect(await misses(() => read(5))).toBe(0)
  })

  it("is of no consequence to who does not use it: no feed, no questions", async () => {
    const layer = await layerOf({ applicationName: "unused" })
    await set(layer, 1, 0)
    await new Promise((done) => setTimeout(done, 300))
    const sessions = await database.admin(
      "select application_name as name from pg_stat_activity where application_name like 'unused%'"
    )
    expect(sessions).toEqual([{ name: "unused" }])
  })

  it("lets the feed sleep when nobody reads", async () => {
    const layer = await layerOf({ cacheIdleAfter: 200, cachePollInterval: 20 })
    await layer.read((db) => db.select().from(parents))
    await until(async () => {
      const { feed } = await layer.snapshot()
      return feed?.state === "asleep" && feed.leaseMs === 0
    })
    const { feed } = await layer.snapshot()
    await new Promise((done) => setTimeout(done, 200))
    expect((await layer.snapshot()).feed?.polls).toBe(feed?.polls)
    await layer.read((db) => db.select().from(parents))
    expect(await layer.snapshot()).toMatchObject({ revalidated: 1 })
  })
})
