/** drizzle-orm 1.0 (release candidate) on pg, with its own cache and without one. */
import { eq, sql } from "drizzle-orm"
import { Cache } from "drizzle-orm/cache/core"
import { drizzle } from "drizzle-orm/node-postgres"
import { bigint, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core"
import { MapCache } from "./MapCache.ts"
import type { Peer } from "./Peer.ts"
import { openPool } from "./pool.ts"

const users = pgTable("users", {
  // As for the older version.
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  publicId: uuid("public_id").notNull().defaultRandom(),
  email: text("email").notNull(),
  name: text("name").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow()
})

class Store extends Cache {
  readonly map = new MapCache()
  override strategy(): "all" {
    return "all"
  }
  override async get(key: string): Promise<Array<unknown> | undefined> {
    return this.map.get(key)
  }
  override async put(key: string, rows: Array<unknown>): Promise<void> {
    this.map.put(key, rows)
  }
  override async onMutate(): Promise<void> {}
}

export const drizzleRc = (url: string): Peer => {
  const pool = openPool(url)
  const cache = new Store()
  const point = (db: ReturnType<typeof drizzle>) =>
    db.select().from(users).where(eq(users.id, sql.placeholder("id"))).prepare("point")
  const cached = point(drizzle({ client: pool, cache }))
  const uncached = point(drizzle({ client: pool }))
  let closing: Promise<void> | undefined
  return {
    cached: (id) => cached.execute({ id }),
    uncached: (id) => uncached.execute({ id }),
    hits: () => cache.map.hits,
    close: () => closing ??= pool.end()
  }
}
