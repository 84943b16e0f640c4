/** drizzle-orm 0.45 on `pg`. */
import { eq, sql } from "drizzle-orm-045"
import { drizzle } from "drizzle-orm-045/node-postgres"
import { integer, pgTable, text } from "drizzle-orm-045/pg-core"
import { believesErrors, type Contender, type ContenderOptions } from "./Contender.ts"
import { openPool } from "./pg.ts"

const h = pgTable("h", { id: text("id").notNull(), worker: integer("worker").notNull() })

export const open = async (options: ContenderOptions): Promise<Contender> => {
  const pool = openPool(options, "trust-drizzle")
  const db = drizzle(pool)
  return {
    insert: (row) => db.insert(h).values(row).execute(),
    transaction: (row) => db.transaction(async (tx) => tx.insert(h).values(row)),
    read: (id) => db.select().from(h).where(eq(h.id, id)).execute(),
    statement: (text) => db.execute(sql.raw(text)).execute(),
    close: () => pool.end(),
    outcome: believesErrors,
    interruptible: false
  }
}
