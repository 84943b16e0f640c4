/** e: the tables that a query reads, and the tables that a write touches. */
import { type Case, column, expect } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { setT, setU, text } from "./queries.ts"

interface OwnWrite {
  readonly id: string
  readonly name: string
  readonly read: Build
  readonly write: Build
  readonly before: ReadonlyArray<unknown>
  readonly after: ReadonlyArray<unknown>
  /** What the write causes in other tables may take as long as another's write. */
  readonly caused?: boolean
  readonly setup?: ReadonlyArray<string>
}

/** Read, write by the same process, read. */
export const ownWrite = (
  { after, before, caused = false, id, name, read, setup = [], write }: OwnWrite
): Case => ({
  id,
  name,
  alone: true,
  setup,
  run: async (stage) => {
    await stage.rehearse(write)
    expect("before", column(await stage.fill(read)), before)
    await stage.subject.write(write)
    if (caused) await stage.settle()
    expect(caused ? "afterwards" : "at once", column(await stage.subject.read(read)), after)
  }
})

const readChildren: Build = (db, { child }) => db.select().from(child)
const readAudit: Build = (db, { audit }) => db.select().from(audit)
const deleteParent: Build = (db, { eq, t }) => db.delete(t).where(eq(t.id, 1))
const touchWatched: Build = (db, { eq, watched }) => db.update(watched).set({ v: 2 }).where(eq(watched.id, 1))

export const tableSets: ReadonlyArray<Case> = [
  ownWrite({
    id: "e1",
    name: "a joined table",
    read: (db, { eq, t, u }) => db.select({ v: u.v }).from(t).innerJoin(u, eq(t.id, u.id)).where(eq(t.id, 1)),
    write: setU(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e2",
    name: "a subquery in FROM",
    read: (db, { eq, u }) => {
      const inner = db.select().from(u).where(eq(u.id, 1)).as("inner_u")
      return db.select().from(inner)
    },
    write: setU(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e3",
    name: "a common table expression",
    read: (db, { eq, u }) => {
      const inner = db.$with("inner_u").as(db.select().from(u).where(eq(u.id, 1)))
      return db.with(inner).select().from(inner)
    },
    write: setU(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e4",
    name: "a scalar subquery",
    read: (db, { eq, sql, t, u }) =>
      db.select({ v: sql<number>`(${db.select({ v: u.v }).from(u).where(eq(u.id, 1))})` }).from(t).where(eq(t.id, 1)),
    write: setU(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e5",
    name: "EXISTS",
    read: (db, { eq, exists, t, u }) =>
      db.select({ v: t.id }).from(t).where(exists(db.select().from(u).where(eq(u.v, 5)))).orderBy(t.id),
    write: setU(5),
    before: [],
    after: [1, 2]
  }),
  ownWrite({
    id: "e6",
    name: "IN (subquery)",
    read: (db, { inArray, t, u }) =>
      db.select({ v: t.id }).from(t).where(inArray(t.id, db.select({ v: u.v }).from(u))).orderBy(t.id),
    write: setU(5),
    before: [1, 2],
    after: [2]
  }),
  ownWrite({
    id: "e7",
    name: "a view",
    read: (db, { eq, tv }) => db.select().from(tv).where(eq(tv.id, 1)),
    write: setT(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e8",
    name: "the second arm of a UNION",
    read: (db, { eq, t, u }) =>
      db.select({ v: t.v }).from(t).where(eq(t.id, 99)).unionAll(db.select({ v: u.v }).from(u).where(eq(u.id, 1))),
    write: setU(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e9",
    name: "a table named in a fragment of text",
    read: (db, { eq, sql, t }) =>
      db.select({ v: sql<number>`(select u.v from u where u.id = 1)` }).from(t).where(eq(t.id, 1)),
    write: setU(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "e10",
    name: "a foreign key's ON DELETE CASCADE",
    read: readChildren,
    write: deleteParent,
    before: [1, 1],
    after: [1],
    caused: true
  }),
  ownWrite({
    id: "e11",
    name: "a table that a trigger writes",
    read: readAudit,
    write: touchWatched,
    before: [1],
    after: [2],
    caused: true
  }),
  {
    id: "e12",
    name: "WITH x AS (UPDATE …) SELECT runs each time",
    alone: true,
    run: async ({ subject }) => {
      const query: Build = (db, { eq, sql, u }) => {
        const bumped = db.$with("bumped").as(
          db.update(u).set({ v: sql`${u.v} + 1` }).where(eq(u.id, 1)).returning({ v: u.v })
        )
        return db.with(bumped).select().from(bumped)
      }
      expect("first", column(await subject.read(query)), [2])
      expect("second", column(await subject.read(query)), [3])
      expect("the row", column(await subject.uncached(text("select v from u where id = 1"))), [3])
    }
  },
  {
    id: "e13",
    name: "random() twice",
    alone: true,
    run: async ({ subject }) => {
      const query: Build = (db, { eq, sql, t }) => db.select({ v: sql`random()::text` }).from(t).where(eq(t.id, 1))
      const [first, second] = [await subject.read(query), await subject.read(query)]
      expect("the same number twice", column(first)[0] === column(second)[0], false)
    }
  },
  ownWrite({
    id: "l33",
    name: "ON DELETE CASCADE, at once",
    read: readChildren,
    write: deleteParent,
    before: [1, 1],
    after: [1]
  }),
  ownWrite({
    id: "l34",
    name: "a table that a trigger writes, at once",
    read: readAudit,
    write: touchWatched,
    before: [1],
    after: [2]
  }),
  ownWrite({
    id: "l35",
    name: "a view of a view",
    read: (db, { eq, tvv }) => db.select().from(tvv).where(eq(tvv.id, 1)),
    write: setT(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "l36",
    name: "a view that asks with the rights of its reader",
    read: text("select v from strict where id = 1"),
    write: setT(5),
    before: [1],
    after: [5],
    setup: ["create view strict with (security_invoker) as select id, v from t"]
  }),
  ownWrite({
    id: "l37",
    name: "a table read within LATERAL, within a CASE, within a function's argument",
    read: text(
      "select case when t.v > 0 then greatest(l.v, (select max(v) from audit)) end as v "
        + "from t cross join lateral (select u.v from u where u.id = t.id) l where t.id = 1"
    ),
    write: (db, { audit }) => db.update(audit).set({ v: 5 }),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "l38",
    name: "a join that the planner removes",
    read: text("select t.v from t left join u on u.id = t.id where t.id = 1"),
    write: setT(5),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "l39",
    name: "TABLE, without SELECT",
    read: text("table u"),
    write: (db, { u }) => db.delete(u),
    before: [1, 2],
    after: []
  })
]
