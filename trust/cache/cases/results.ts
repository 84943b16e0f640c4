/** What is kept: whose mapper, how much, what when there is nothing. */
import { type Case, column, expect, oursAlone, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, readU, setU, text } from "./queries.ts"

const largeBytes = 1_500_000

export const results: ReadonlyArray<Case> = [
  {
    id: "l142",
    name: "the same SQL selected as {a} and as {b}",
    alone: true,
    run: async ({ subject }) => {
      const as = (name: string): Build => (db, { eq, u }) => db.select({ [name]: u.v }).from(u).where(eq(u.id, 1))
      for (const name of ["a", "b", "a", "b"]) expect(name, await subject.read(as(name)), [{ [name]: 1 }])
    }
  },
  {
    id: "l143",
    name: "the same SQL by a builder, prepared, and as text",
    alone: true,
    run: async ({ subject }) => {
      const built: Build = (db, { eq, u }) => db.select({ one: u.id, two: u.v }).from(u).where(eq(u.id, 1))
      const prepared = subject.prepare((db, { eq, sql, u }) =>
        db.select({ first: u.id, second: u.v }).from(u).where(eq(u.id, sql.placeholder("id")))
      )
      const raw: Build = (db, { sql }) => db.execute(sql`select "id", "v" from "u" where "u"."id" = ${1}`)
      for (let round = 0; round < 3; round++) {
        expect("built", await subject.read(built), [{ one: 1, two: 1 }])
        expect("prepared", await prepared({ id: 1 }), [{ first: 1, second: 1 }])
        expect("text", (await subject.read(raw)).map((row) => ({ ...row })), [{ id: 1, v: 1 }])
      }
    }
  },
  {
    id: "l144",
    name: "the same column decoded as text and as a Date",
    alone: true,
    run: async ({ subject }) => {
      const date: Build = (db, { eq, t }) => db.select({ at: t.at }).from(t).where(eq(t.id, 1))
      const decoded: Build = (db, { eq, sql, t }) =>
        db.select({ at: sql`${t.at}`.mapWith(() => "decoded") }).from(t).where(eq(t.id, 1))
      for (let round = 0; round < 3; round++) {
        expect("a Date", (await subject.read(date))[0]?.["at"] instanceof Date, true)
        expect("decoded", column(await subject.read(decoded), "at"), ["decoded"])
      }
    }
  },
  {
    id: "l145",
    name: "a prepared query: its parameters, a write, another's write",
    run: async (stage) => {
      const read = stage.subject.prepare((db, { eq, sql, u }) =>
        db.select().from(u).where(eq(u.id, sql.placeholder("id")))
      )
      for (let round = 0; round < 3; round++) {
        expect("1", column(await read({ id: 1 })), [1])
        expect("2", column(await read({ id: 2 })), [2])
        expect("3", await read({ id: 3 }), [])
      }
      await stage.subject.write(setU(5))
      expect("at once", column(await read({ id: 1 })), [5])
      await read({ id: 1 })
      await stage.outsider("update u set v = 6 where id = 1")
      await stage.settle()
      expect("written by somebody else", column(await read({ id: 1 })), [6])
    }
  },
  {
    id: "l146",
    name: "nothing found is an answer too: served, and gone when a row comes",
    run: async (stage) => {
      const query = readU(3)
      expect("before", await stage.fill(query), [])
      await stage.subject.write((db, { u }) => db.insert(u).values({ id: 3, v: 3 }))
      expect("at once", column(await stage.subject.read(query)), [3])
      await stage.outsider("delete from u where id = 3")
      await stage.settle()
      expect("deleted by somebody else", await stage.subject.read(query), [])
    }
  },
  {
    id: "l147",
    name: "a relational query with nested rows: both tables count",
    alone: true,
    run: async (stage) => {
      const nested: Build = (db) => db.query.t.findMany({ with: { children: true } })
      const values = (rows: ReadonlyArray<unknown>) =>
        JSON.stringify(rows, (_, value: unknown) => typeof value === "bigint" ? String(value) : value)
      const before = values(await stage.fill(nested))
      await stage.subject.write((db, { child, eq }) => db.update(child).set({ v: 77 }).where(eq(child.id, 1)))
      const after = values(await stage.subject.read(nested))
      if (after === before || !after.includes("77")) throw new Wrong("the child's old row")
    }
  },
  {
    id: "l148",
    name: "an answer larger than an entry may be: right each time, and not kept",
    notFor: oursAlone("it has no limit"),
    run: async (stage) => {
      const query = text(`select repeat('x', ${largeBytes}) || v as v from u where id = 1`)
      const tail = async () => String((await stage.subject.read(query))[0]?.["v"]).slice(largeBytes)
      expect("first", await tail(), "1")
      await tail()
      const before = await stage.answered(query)
      expect("third", await tail(), "1")
      if (await stage.answered(query) === before) throw new Wrong("it is kept")
      await stage.subject.write(setU(5))
      expect("after a write", await tail(), "5")
    }
  },
  {
    id: "l149",
    name: "more queries than there is room for: each right, also those that were thrown out",
    alone: true,
    run: async (stage) => {
      const read = (n: number): Build => (db, { eq, sql, u }) =>
        db.select({ v: sql<number>`${u.v} + ${sql.param(n)}::int` }).from(u).where(eq(u.id, 1))
      for (let n = 0; n < 300; n++) expect("first", column(await stage.subject.read(read(n))), [1 + n])
      await stage.subject.write(setU(5))
      for (let n = 0; n < 300; n += 7) expect("after a write", column(await stage.subject.read(read(n))), [5 + n])
    }
  },
  {
    id: "l150",
    name: "it comes from the cache at all: the same answer, and the database is not asked",
    notFor: ({ name }) => name === "no cache" ? "it has none" : undefined,
    run: async (stage) => {
      const queries: ReadonlyArray<Build> = [
        readT(),
        (db, { eq, t, u }) => db.select({ v: u.v }).from(t).leftJoin(u, eq(t.id, u.id)),
        (db, { sql, u }) => db.select({ n: sql<number>`count(*)::int`, s: sql<number>`sum(${u.v})::int` }).from(u)
      ]
      for (const [at, query] of queries.entries()) {
        const rows = await stage.fill(query)
        const before = await stage.answered(query)
        for (let n = 0; n < 20; n++) expect(`query ${at}`, await stage.subject.read(query), rows)
        const asked = await stage.answered(query) - before
        // Where nobody can say in time whether an answer is still good, the database is asked.
        if (asked > 5) throw new Wrong(`query ${at} was asked ${asked} times of 20`)
      }
    }
  }
]
