/** The log's own promises, on real Postgres: nothing that commits is missed, nothing that somebody needs is swept. */
import { connect } from "@ems/db-testing/Admin"
import type { TestDatabase } from "@ems/db-testing/TestDatabase"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { changePoll, changePollGuarded } from "../../src/catalog/changePoll.ts"
import * as ChangeLog from "../../src/migration/ChangeLog.ts"
import { parse } from "../../src/optimizer/cache/Snapshot.ts"
import { openLayer, tracked } from "../optimizer/cache/support.ts"

type Client = Awaited<ReturnType<typeof connect>>

describe("the change log", () => {
  let database: TestDatabase
  let client: Client
  let other: Client
  beforeAll(async () => {
    database = await tracked()
    client = await connect(database.url)
    other = await connect(database.url)
  })
  afterAll(async () => {
    await client.end()
    await other.end()
    await database.close()
  })

  /** Reads what changed since the last call, as the feed does. */
  const reader = async () => {
    let since = ["9223372036854775807", ""]
    const poll = async (text = changePoll) => {
      const { rows: [row] } = await client.query<
        { snapshot: string; changed: string | null; epoch: string | null; definitions?: string; oldestTick: string }
      >(text, since)
      const { running, xmax } = parse(row!.snapshot)
      since = [String(xmax), running.join(",")]
      const { rows } = await client.query<{ name: string }>(
        "select coalesce(c.relname, 'definitions') as name from unnest(string_to_array($1, ',')::oid[]) o " +
          "left join pg_class c on c.oid = o order by 1",
        [row!.changed ?? ""]
      )
      return { ...row!, names: rows.map(({ name }) => name) }
    }
    await poll()
    return poll
  }

  it("notes every way to write, and nothing when nothing was written", async () => {
    const poll = await reader()
    const writes: ReadonlyArray<readonly [sql: string, tables: ReadonlyArray<string>]> = [
      ["select * from parents", []],
      ["insert into parents values (100, 0)", ["parents"]],
      ["update parents set v = 1 where id = 100", ["parents"]],
      ["delete from parents where id = 100", ["children", "parents"]],
      // The foreign key deletes the children.
      ["delete from parents where id = 9", ["children", "parents"]],
      ["update parents set id = 99 where id = 8", ["children", "parents"]],
      ["with w as (update parents set v = 2 where id = 1 returning id) select * from w", ["parents"]],
      ["merge into parents p using (values (1)) s (id) on p.id = s.id when matched then update set v = 3", ["parents"]],
      ["truncate parents cascade", ["children", "parents"]],
      ["alter table parents add column extra int", ["definitions"]],
      ["create table fresh (id int)", ["definitions"]],
      ["drop table fresh", ["definitions"]],
      ["create temp table gone (id int)", []],
      ["create index on parents (v)", []]
    ]
    for (const [sql, tables] of writes) {
      await other.query(sql)
      expect((await poll()).names, sql).toEqual(tables)
    }
    await other.query("begin")
    await other.query("insert into parents values (200, 0)")
    await other.query("rollback")
    expect((await poll()).names).toEqual([])
  })

  it("is told of a transaction when it commits, however long it took", async () => {
    const poll = await reader()
    await other.query("begin")
    await other.query("insert into parents values (300, 0)")
    for (let n = 0; n < 3; n++) {
      await database.admin("insert into children (id, parent_id) select $1, 300 where false", [n])
      expect((await poll()).names).toEqual(["children"])
    }
    await other.query("commit")
    expect((await poll()).names).toEqual(["parents"])
    expect((await poll()).names).toEqual([])
  })

  it("keeps the change of a transaction that commits late through any number of sweeps", async () => {
    const poll = await reader()
    await other.query("begin")
    await other.query("insert into parents values (400, 0)")
    // Of a later transaction, which a sweep by transaction id would take for the newest that matters.
    await database.admin("update children set note = 'x' where false")
    for (let n = 0; n < 20; n++) await database.admin("select ems_internal.sweep('0 s')")
    await other.query("commit")
    // Who was away finds out that it was too long; who polls in time finds the change.
    const { names, oldestTick } = await poll()
    expect(names).toContain("parents")
    expect(Number(oldestTick)).toBeGreaterThan(1)
    const left = await database.admin("select count(*)::int as n from ems_internal.change")
    expect(left).toEqual([{ n: 1 }])
  })

  it("sweeps once for all who ask, and not before it is due", async () => {
    const swept = async () => (await database.admin("select ems_internal.sweep() as n"))[0]?.["n"]
    expect(await swept()).toBe(null)
    await other.query("begin")
    await other.query("select ems_internal.sweep('0 s')")
    expect((await database.admin("select ems_internal.sweep('0 s') as n"))[0]?.["n"]).toBe(null)
    await other.query("commit")
  })

  it("begins a new epoch when it was emptied by hand", async () => {
    const poll = await reader()
    const { epoch } = await poll()
    await database.admin("truncate ems_internal.change")
    expect((await poll()).epoch).toBe(null)
    await database.admin("select ems_internal.begin_epoch(), ems_internal.begin_epoch()")
    const after = (await poll()).epoch
    expect(after).not.toBe(null)
    expect(after).not.toBe(epoch)
    expect(await database.admin("select count(*)::int as n from ems_internal.epoch")).toEqual([{ n: 1 }])
  })

  it("tells changed definitions without event triggers as well", async () => {
    const poll = await reader()
    await database.admin("alter event trigger ems_ddl disable")
    const definitions = async () => (await poll(changePollGuarded)).definitions
    let last = await definitions()
    for (
      const sql of [
        "alter table parents disable trigger ems_change",
        "alter table parents enable always trigger ems_change",
        "alter table parents rename to renamed",
        "alter table renamed rename to parents",
        "create or replace view parent_view as select p.id, p.v, 0::bigint as children from parents p",
        "create policy p on parents using (true)",
        "alter table parents enable row level security",
        "create or replace function ems_internal.mark() returns trigger language plpgsql as $$ begin return null; end $$"
      ]
    ) {
      await database.admin(sql)
      const now = await definitions()
      expect(now, sql).not.toBe(last)
      last = now
    }
    await database.admin("update children set note = 'y'")
    await database.admin("analyze children")
    await database.admin("vacuum children")
    expect(await definitions()).toBe(last)
  })

  it("is installed once, and again when it differs", async () => {
    const layer = await openLayer(database.url)
    await database.admin("comment on function ems_internal.sweep(interval) is null")
    expect(await layer.run(ChangeLog.install)).toBe(true)
    expect(await layer.run(ChangeLog.install)).toBe(false)
    await layer.run(ChangeLog.untrack(["public.parents"]))
    expect((await layer.run(ChangeLog.tracked)).tables).toEqual(["public.children"])
    await layer.run(ChangeLog.track(["public.parents"]))
    expect(await layer.run(ChangeLog.tracked)).toEqual({
      tables: ["public.children", "public.parents"],
      definitions: true
    })
    await layer.close()
  })
})
