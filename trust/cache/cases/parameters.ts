/** j: different parameters are different questions. */
import { type Case, column, expect } from "./Case.ts"
import type { Build } from "./Drizzle.ts"

/** The text that a parameter becomes at the server, as one type; beside a table, so that it can be cached. */
const echo = (value: unknown, type: string): Build => (db, { eq, sql, t }) =>
  db.select({ v: sql<string>`coalesce(${sql.param(value)}::${sql.raw(type)}::text, 'null')` }).from(t).where(
    eq(t.id, 1)
  )

/** Each value gets the answer that the database would give, also when all the others were asked before it. */
const distinct = (id: string, name: string, type: string, values: ReadonlyArray<unknown>): Case => ({
  id,
  name,
  alone: true,
  run: async (stage) => {
    const { subject } = stage
    // What a client cannot send is not the cache's fault, as long as it says the same.
    const failed = () => ["failed"]
    const right: Array<ReadonlyArray<unknown>> = []
    for (const value of values) right.push(await subject.uncached(echo(value, type)).then(column, failed))
    for (const round of ["first", "second"]) {
      for (const [at, value] of values.entries()) {
        const answer = await subject.read(echo(value, type)).then(column, failed)
        expect(`${name}, value ${at}, ${round} time`, answer, right[at])
      }
    }
    expect("how many could not be sent", right.filter((answer) => answer[0] === "failed").length < values.length, true)
  }
})

export const parameters: ReadonlyArray<Case> = [
  {
    id: "j1",
    name: "a bigint",
    alone: true,
    run: async ({ subject }) => {
      const query: Build = (db, { eq, t }) => db.select().from(t).where(eq(t.big, 5n))
      expect("found", column(await subject.read(query), "id"), [1])
      expect("found again", column(await subject.read(query), "id"), [1])
    }
  },
  distinct("j2", "NaN and null", "float8", [Number.NaN, null]),
  distinct("l75", "0 and -0", "float8", [0, -0, "0", "-0"]),
  distinct("l76", "null, 'null', '' and undefined", "text", [null, "null", "", undefined]),
  distinct("l77", "bigints beside numbers and strings", "numeric", [
    1n,
    1,
    "1",
    "1.0",
    9007199254740993n,
    9007199254740992n,
    "9007199254740993"
  ]),
  distinct("l78", "arrays that look the same when joined", "text[]", [
    ["a", "b"],
    ["a,b"],
    ["a\",\"b"],
    [],
    [""],
    [null],
    ["NULL"],
    "{a,b}"
  ]),
  distinct("l79", "Dates that differ by a millisecond, beside their text", "timestamptz", [
    new Date(0),
    new Date(1),
    "1970-01-01T00:00:00.000Z",
    "1970-01-01T00:00:00.001Z"
  ]),
  distinct("l80", "bytes, of which some look like text", "bytea", [
    Buffer.from([1, 2]),
    Buffer.from([1, 2, 0]),
    Buffer.from("\\x0102"),
    "\\x0102",
    Buffer.alloc(0)
  ]),
  distinct("l81", "strings made to run into each other", "text", [
    "a",
    "a\u0000".slice(0, 1),
    "s1:a",
    "\"a\"",
    "a|b",
    "a\u0001b",
    "é",
    "e\u0301"
  ]),
  {
    id: "l82",
    name: "two parameters whose border could move",
    alone: true,
    run: async ({ subject }) => {
      const pair = (a: unknown, b: unknown): Build => (db, { eq, sql, t }) =>
        db.select({ v: sql<string>`${sql.param(a)}::text || '|' || ${sql.param(b)}::text` }).from(t).where(eq(t.id, 1))
      for (const [a, b] of [["ab", "c"], ["a", "bc"], ["", "abc"], ["a\",\"b", "c"], ["1", "11"], ["11", "1"]]) {
        expect("joined", column(await subject.read(pair(a, b))), [`${a}|${b}`])
      }
    }
  },
  {
    id: "l83",
    name: "a parameter beside the same value written into the text",
    alone: true,
    run: async ({ subject }) => {
      for (const v of [1, 2, 1, 2]) {
        const bound: Build = (db, { eq, sql, t }) =>
          db.select({ v: sql<number>`${sql.param(v)}::int` }).from(t).where(eq(t.id, 1))
        const written: Build = (db, { eq, sql, t }) =>
          db.select({ v: sql<number>`${sql.raw(String(v))}::int` }).from(t).where(eq(t.id, 1))
        expect("bound", column(await subject.read(bound)), [v])
        expect("written", column(await subject.read(written)), [v])
      }
    }
  }
]
