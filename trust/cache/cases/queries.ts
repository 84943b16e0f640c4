/** The queries that many cases share. */
import type { Build } from "./Drizzle.ts"

/** The row of `t` with this id. */
export const readT = (id = 1): Build => (db, { eq, t }) => db.select().from(t).where(eq(t.id, id))

export const setT = (v: number, id = 1): Build => (db, { eq, t }) => db.update(t).set({ v }).where(eq(t.id, id))

export const readU = (id = 1): Build => (db, { eq, u }) => db.select().from(u).where(eq(u.id, id))

export const setU = (v: number, id = 1): Build => (db, { eq, u }) => db.update(u).set({ v }).where(eq(u.id, id))

/** SQL as it is written, for shapes that no builder makes. */
export const text = (statement: string): Build => (db, { sql }) => db.execute(sql.raw(statement))
