/** drizzle-orm 0.45 on pg: what an application of today runs. */
import { eq, sql } from "drizzle-orm-045"
import { drizzle } from "drizzle-orm-045/node-postgres"
import { bigint, pgTable, text, timestamp, uuid } from "drizzle-orm-045/pg-core"
import pg from "pg"
import type { Side } from "../Side.ts"

const users = pgTable("users", {
  id: bigint("id", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
  publicId: uuid("public_id").notNull().defaultRandom(),
  email: text("email").notNull(),
  name: text("name").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull().defaultNow()
})

export const drizzle045 = (url: string, rows: number): { built: Side; prepared: Side } => {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // `end` resolves before its sockets are closed; the server that goes then would crash the process.
  pool.on("error", () => {})
  pool.on("connect", (client) => client.on("error", () => {}))
  const db = drizzle(pool)
  const prepared = db.select().from(users).where(eq(users.id, sql.placeholder("id"))).prepare("point")
  let next = 0
  const id = () => BigInt(1 + next++ % rows)
  const loop = (once: () => Promise<{ readonly length: number }>) => async (callers: number, until: number) => {
    let done = 0
    await Promise.all(Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        if ((await once()).length !== 1) throw new Error("a row is missing")
        done++
      }
    }))
    return done
  }
  let closing: Promise<void> | undefined
  const close = () => closing ??= pool.end()
  return {
    built: {
      name: "drizzle 0.45 + pg built",
      run: loop(async () => db.select().from(users).where(eq(users.id, id()))),
      close
    },
    prepared: { name: "drizzle 0.45 + pg prepared", run: loop(() => prepared.execute({ id: id() })), close }
  }
}
