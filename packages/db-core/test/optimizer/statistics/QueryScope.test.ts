import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../../src/connection/Database.ts"
import { labelled } from "../../../src/optimizer/statistics/QueryLabels.ts"
import { QueryScope } from "../../../src/optimizer/statistics/QueryScope.ts"
import { run, type Wired } from "./wired.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id int primary key, t text)")
  await database.admin("insert into h select i, 'canary ' || i from generate_series(1, 3000) i")
})
afterAll(() => database.close())

const query = (text: ReturnType<typeof sql>) => Database.use((db) => db.query((d) => d.execute(text)))
const one = (id: number) => query(sql`select t from h where id = ${id}`)

/** What a scope around `effect` found. */
const observed = async <A, E>(effect: Effect.Effect<A, E, Wired>): Promise<QueryScope> => {
  const scope = new QueryScope()
  await run({ url: database.url }, scope.run(effect))
  return scope
}

const kinds = (scope: QueryScope) => scope.findings.map(({ count, kind }) => [kind, count])

describe("QueryScope", () => {
  it("finds the same query again and again, also in children at the same time", async () => {
    const scope = await observed(Effect.forEach([1, 2, 3, 4, 5], one, { concurrency: "unbounded" }))
    assert.deepStrictEqual(kinds(scope), [["n-plus-one", 5]])
    const [finding] = scope.findings
    assert.include(finding, { text: "select t from h where id = ?", name: undefined })
    assert.match(finding!.advice, /join/)
    assert.notInclude(JSON.stringify(scope.findings), "canary")
  })

  it("also with the values in the text, by name, and for writes", async () => {
    const scope = await observed(Effect.gen(function*() {
      for (let n = 1; n <= 5; n++) {
        yield* labelled({ name: "h.one" })(query(sql.raw(`select t from h where id = ${n}`)))
        yield* query(sql`update h set t = 'new' where id = ${n}`)
      }
    }))
    assert.deepStrictEqual(scope.findings.map(({ advice, kind, name }) => [kind, name, advice.split(":")[0]]), [
      ["n-plus-one", "h.one", "ask for all of them at once"],
      ["n-plus-one", undefined, "write them at once"]
    ])
  })

  it("leaves four alone, and finds the same statement twice", async () => {
    assert.deepStrictEqual(kinds(await observed(Effect.forEach([1, 2, 3, 4], one))), [])
    assert.deepStrictEqual(kinds(await observed(Effect.forEach([1, 1, 2, 1], one))), [["repeated", 2]])
  })

  it("knows values apart that look alike", async () => {
    const ask = (value: unknown) => query(sql`select ${sql.param(value)}::text as t`)
    const alike = ["1", "11", "", null, "null", "2", "12"]
    assert.deepStrictEqual(kinds(await observed(Effect.forEach(alike, ask))), [["n-plus-one", 7]])
  })

  it("finds too many rows without a LIMIT, and a far OFFSET", async () => {
    const scope = await observed(Effect.gen(function*() {
      yield* query(sql`select id from h`)
      yield* query(sql`select id from h limit 2000`)
      yield* query(sql`select count(*) from h`)
      yield* query(sql`select id from h order by id limit 10 offset ${2000}`)
      yield* query(sql`select id from h order by id desc limit 10 offset 1001`)
      yield* query(sql`select id from h order by t limit 10 offset ${1000}`)
    }))
    assert.deepStrictEqual(scope.findings.map(({ count, kind, text }) => [kind, count, text]), [
      ["unbounded", 1, "select id from h"],
      ["deep-offset", 1, "select id from h order by id limit ? offset ?"],
      ["deep-offset", 1, "select id from h order by id desc limit ? offset ?"]
    ])
  })

  it("counts neither what controls transactions nor what another scope ran at the same time", async () => {
    const inner = [new QueryScope(), new QueryScope()] as const
    const outer = await observed(
      Database.use((db) =>
        Effect.all([
          inner[0].run(Effect.forEach([1, 2, 3, 4, 5, 6], one, { concurrency: 3 })),
          inner[1].run(db.transaction((tx) =>
            Effect.andThen(
              tx.execute(sql`select t from h where id = ${1}`),
              tx.transaction((nested) => nested.execute(sql`select t from h where id = ${2}`))
            )
          )),
          one(7)
        ], { concurrency: "unbounded" })
      )
    )
    assert.deepStrictEqual([inner[0].count, inner[1].count, outer.count], [6, 2, 1])
    assert.deepStrictEqual([kinds(inner[0]), kinds(inner[1]), kinds(outer)], [[["n-plus-one", 6]], [], []])
  })

  it("does not take what failed for asked twice", async () => {
    const failing = Effect.ignore(query(sql`select t::int from h where id = 1`))
    const scope = await observed(Effect.andThen(failing, failing))
    assert.strictEqual(scope.count, 2)
    assert.deepStrictEqual(scope.findings, [])
  })
})
