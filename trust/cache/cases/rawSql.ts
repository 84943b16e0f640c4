/** d: writes that no builder made. */
import { type Case, column, expect } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, readU, setT, text } from "./queries.ts"

/** A write of the same process: it must be seen at once. */
const ownWrite = (id: string, name: string, write: Build, also: Partial<Case> = {}): Case => ({
  id,
  name,
  alone: true,
  run: async (stage) => {
    await stage.rehearse(write)
    await stage.fill(readT())
    await stage.subject.write(write)
    expect("at once", column(await stage.subject.read(readT())), [2])
  },
  ...also
})

export const rawSql: ReadonlyArray<Case> = [
  ownWrite("d1", "the text of an update", text("update t set v = 2 where id = 1")),
  ownWrite("d2", "sql`update ${table}`", (db, { sql, t }) => db.execute(sql`update ${t} set v = 2 where id = 1`)),
  ownWrite("l21", "a function that writes, called by a SELECT", text("select bump()"), {
    setup: [`create function bump() returns int language sql as 'update t set v = v + 1 where id = 1 returning v'`]
  }),
  ownWrite("l22", "a DO block", text("do $$ begin update t set v = 2 where id = 1; end $$")),
  ownWrite("l23", "an update behind a comment", text("/* select */ -- select\n update t set v = 2 where id = 1")),
  ownWrite(
    "l24",
    "an update in a CTE, and another table selected",
    text("with x as (update t set v = 2 where id = 1 returning id) select u.id from u")
  ),
  ownWrite("l25", "an update through a view", text("update tvv set v = 2 where id = 1")),
  ownWrite(
    "l26",
    "MERGE",
    text("merge into t using (values (1)) s (id) on t.id = s.id when matched then update set v = 2")
  ),
  ownWrite(
    "l27",
    "INSERT … ON CONFLICT DO UPDATE",
    (db, { t }) => db.insert(t).values({ id: 1, v: 2 }).onConflictDoUpdate({ target: t.id, set: { v: 2 } })
  ),
  ownWrite("l28", "EXPLAIN ANALYZE executes", text("explain analyze update t set v = 2 where id = 1")),
  ownWrite(
    "l29",
    "a statement prepared in SQL",
    text("execute change"),
    {
      max: 1,
      run: async (stage) => {
        await stage.fill(readT())
        await stage.subject.transaction(async (tx) => {
          await tx.write(text("prepare change as update t set v = 2 where id = 1"))
          await tx.write(text("execute change"))
          await tx.write(text("deallocate change"))
        })
        expect("at once", column(await stage.subject.read(readT())), [2])
      }
    }
  ),
  {
    id: "l30",
    name: "UPDATE … RETURNING, asked of the cache, runs each time",
    alone: true,
    run: async ({ subject }) => {
      const bump: Build = (db, { eq, sql, u }) =>
        db.update(u).set({ v: sql`${u.v} + 1` }).where(eq(u.id, 1)).returning()
      expect("first", column(await subject.read(bump)), [2])
      expect("second", column(await subject.read(bump)), [3])
      expect("the row", column(await subject.read(readU())), [3])
    }
  },
  {
    id: "l31",
    name: "a writing function, asked of the cache, runs each time",
    alone: true,
    setup: [`create function bump() returns int language sql as 'update t set v = v + 1 where id = 1 returning v'`],
    run: async ({ subject }) => {
      expect("first", column(await subject.read(text("select bump() as v from u where id = 1"))), [2])
      expect("second", column(await subject.read(text("select bump() as v from u where id = 1"))), [3])
      expect("the row", column(await subject.read(readT())), [3])
    }
  },
  {
    id: "l32",
    name: "writes at the same time, half of them in transactions, each seen at once by who made it",
    alone: true,
    run: async ({ subject }) => {
      await Promise.all([1, 2].map(async (id) => {
        for (let v = 2; v < 22; v++) {
          if (v % 2 === 0) await subject.write(setT(v, id))
          else await subject.transaction((tx) => tx.write(setT(v, id)))
          expect(`row ${id}`, column(await subject.read(readT(id))), [v])
        }
      }))
    }
  }
]
