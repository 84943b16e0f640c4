/** The cache on an embedded database: one session, which polls and queries share. */
import { eq, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import * as ChangeLog from "../../../src/migration/ChangeLog.ts"
import { openLayer, parents, until } from "./support.ts"

it("caches, invalidates and learns on PGlite", async () => {
  const layer = await openLayer("pglite:memory", {
    acquireTimeout: 60_000,
    connectTimeout: 60_000,
    queryTimeout: 60_000
  })
  await layer.run(layer.database.direct((db) =>
    Effect.gen(function*() {
      yield* db.execute(sql`create table parents (id int primary key, v int not null)`)
      yield* db.execute(sql`insert into parents select n, 0 from generate_series(1, 10) n`)
    })
  ))
  await layer.run(Effect.andThen(ChangeLog.install, ChangeLog.track(["public.parents"])))
  const read = async (options = {}) =>
    (await layer.read((db) => db.select().from(parents).where(eq(parents.id, 1)), options))[0]?.v
  await until(async () => {
    await read()
    return (await layer.snapshot()).hits > 0
  }, 20_000)
  expect(await read()).toBe(0)
  await layer.run(layer.database.query((db) => db.update(parents).set({ v: 1 }).where(eq(parents.id, 1))))
  expect(await read()).toBe(1)
  expect(await read({ consistency: "strong" })).toBe(1)
  expect((await layer.snapshot()).queries).toMatchObject([{ tables: ["public.parents"], bypass: null }])
  await layer.close()
}, 60_000)
