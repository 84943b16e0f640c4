import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { afterAll, assert, beforeAll, describe, expect, it } from "vitest"
import { Database } from "../src/connection/Database.ts"
import { labelled } from "../src/optimizer/statistics/QueryLabels.ts"
import { expectQueries } from "../src/vitest.ts"
import { run } from "./optimizer/statistics/wired.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
})
afterAll(() => database.close())

const one = (id: number) => Database.use((db) => db.query((d) => d.execute(sql`select ${`canary ${id}`}::text as t`)))

const tested = <A, E>(effect: Effect.Effect<A, E, Database>) => run({ url: database.url }, effect)

describe("expectQueries", () => {
  it("gives what the effect gives when all is well", async () => {
    const { value } = await tested(expectQueries({ max: 2 })(Effect.as(Effect.forEach([1, 2], one), "page")))
    expect(value).toBe("page")
  })

  it("fails with what ran, without values", async () => {
    const work = Effect.andThen(labelled({ name: "canaries.one" })(one(1)), Effect.forEach([1, 2], one))
    const failure = await tested(expectQueries({ max: 2, allow: ["repeated"] })(work)).then(
      () => assert.fail("it passed"),
      (error: Error) => error
    )
    assert.strictEqual(failure.name, "AssertionError")
    assert.strictEqual(
      failure.message,
      "expected at most 2 statements, ran 3\nran:\n  3x 3 rows  canaries.one: select ?::text as t"
    )
  })

  it("fails of an N+1, unless that is allowed", async () => {
    const ids = Effect.forEach([1, 2, 3, 4, 5], one)
    await expect(tested(expectQueries({})(ids))).rejects.toThrow(/n-plus-one, 5x: select \?::text as t\n +ask for all/)
    await tested(expectQueries({ allow: ["n-plus-one"] })(ids))
  })

  it("leaves an effect's own failure alone", async () => {
    const failing = Effect.andThen(Effect.forEach([1, 2, 3], one), Effect.fail("its own"))
    await expect(tested(expectQueries({ max: 1 })(failing))).rejects.toThrow(/its own/)
  })
})
