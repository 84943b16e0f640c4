import type { TestDatabase } from "@ems/db-testing/TestDatabase"
import { eq } from "drizzle-orm"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { CacheOptions } from "../../../src/optimizer/Optimizer.ts"
import { type Layer, openLayer, parents, tracked, until } from "./support.ts"

describe("the query cache", () => {
  let database: TestDatabase
  let layer: Layer
  beforeAll(async () => {
    database = await tracked()
    layer = await openLayer(database.url)
  })
  afterAll(async () => {
    await layer.close()
    await database.close()
  })

  const parent = (id: number, options?: CacheOptions) =>
    layer.read((db) => db.select().from(parents).where(eq(parents.id, id)), options)

  it("answers the second time from memory", async () => {
    expect(await parent(1)).toEqual([{ id: 1, v: 0 }])
    const before = await layer.snapshot()
    expect(await parent(1)).toEqual([{ id: 1, v: 0 }])
    const after = await layer.snapshot()
    expect(after.hits + after.revalidated - before.hits - before.revalidated).toBe(1)
  })

  it("sees an own write at once", async () => {
    await parent(2)
    await layer.run(layer.database.query((db) => db.update(parents).set({ v: 5 }).where(eq(parents.id, 2))))
    expect(await parent(2)).toEqual([{ id: 2, v: 5 }])
    await layer.run(layer.database.transaction((tx) => tx.update(parents).set({ v: 6 }).where(eq(parents.id, 2))))
    expect(await parent(2)).toEqual([{ id: 2, v: 6 }])
  })

  it("sees anybody's write in time, and at once when asked strongly", async () => {
    await parent(3)
    await database.admin("update parents set v = 7 where id = 3")
    expect(await parent(3, { consistency: "strong" })).toEqual([{ id: 3, v: 7 }])
    await database.admin("update parents set v = 8 where id = 3")
    await until(async () => (await parent(3))[0]?.v === 8, 700)
  })
})
