/**
 * Drizzle's own cache, kept in a Map as its documentation shows it. 0.45 and 1.0 are called in the same way, so this is
 * written against the types of 0.45 and given the modules of either.
 */
import type * as Orm from "drizzle-orm-045"
import type * as CacheCore from "drizzle-orm-045/cache/core"
import type * as Driver from "drizzle-orm-045/node-postgres"
import type * as Core from "drizzle-orm-045/pg-core"
import pg from "pg"
import { type CacheContender, type CacheOptions, type Commit, Poisoned, type Written } from "../Contender.ts"
import { poison, type QueryName } from "../Layout.ts"

export interface DrizzleModules {
  readonly orm: typeof Orm
  readonly core: typeof Core
  readonly driver: typeof Driver
  readonly cache: typeof CacheCore
}

const mapCache = ({ cache: { Cache }, orm: { getTableName } }: DrizzleModules) =>
  class MapCache extends Cache {
    readonly counts = { hits: 0, misses: 0, bypasses: 0 }
    private readonly kept = new Map<string, Array<unknown>>()
    private readonly keysOfTable = new Map<string, Set<string>>()

    strategy() {
      return "all" as const
    }

    async get(key: string): Promise<Array<unknown> | undefined> {
      const found = this.kept.get(key)
      this.counts[found === undefined ? "misses" : "hits"]++
      return found
    }

    async put(key: string, response: Array<unknown>, tables: Array<string>): Promise<void> {
      this.kept.set(key, response)
      for (const table of tables) {
        const keys = this.keysOfTable.get(table) ?? new Set()
        this.keysOfTable.set(table, keys.add(key))
      }
    }

    async onMutate({ tables = [] }: Parameters<InstanceType<typeof Cache>["onMutate"]>[0]): Promise<void> {
      for (const table of [tables].flat()) {
        const name = typeof table === "string" ? table : getTableName(table)
        for (const key of this.keysOfTable.get(name) ?? []) this.kept.delete(key)
        this.keysOfTable.delete(name)
      }
    }
  }

/** Without `cached` it has no cache: then nothing may be found. */
export const openDrizzle = async (
  modules: DrizzleModules,
  options: CacheOptions,
  cached = true
): Promise<CacheContender> => {
  const { core, driver: { drizzle }, orm: { eq, sql } } = modules
  const { bigint, integer, pgTable, pgView } = core
  const columns = { id: integer("id").primaryKey(), v: bigint("v", { mode: "number" }).notNull() }
  const table = (name: string) => pgTable(name, columns)
  const a = table("a")
  const b = table("b")
  const c = table("c")
  const p = table("p")
  const q = table("q")
  const m = table("m")
  const quiet = table("quiet")
  const ab = pgView("ab", { ...columns, w: bigint("w", { mode: "number" }).notNull() }).existing()

  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connections,
    application_name: options.applicationName
  })
  pool.on("error", () => {})
  const cache = new (mapCache(modules))()
  const db = drizzle({ client: pool, ...cached ? { cache } : {} })
  const work = sql<number>`(select count(*) from filler f, filler g where (f.n * g.n) % 7 = ${a.id})`.mapWith(Number)

  const read: Readonly<Record<QueryName, (id: number) => Promise<ReadonlyArray<Record<string, number>>>>> = {
    pk: (id) => db.select({ v: a.v }).from(a).where(eq(a.id, id)),
    join: (id) => db.select({ v: a.v, w: b.v }).from(a).innerJoin(b, eq(b.id, a.id)).where(eq(a.id, id)),
    cte: (id) => {
      const x = db.$with("x").as(db.select({ id: a.id, v: a.v }).from(a).where(eq(a.id, id)))
      return db.with(x).select({ v: x.v, w: b.v }).from(b).innerJoin(x, eq(x.id, b.id))
    },
    scalar: (id) =>
      db.select({ v: a.v, w: sql<number>`(${db.select({ v: c.v }).from(c).where(eq(c.id, id))})`.mapWith(Number) })
        .from(a).where(eq(a.id, id)),
    view: (id) => db.select({ v: ab.v, w: ab.w }).from(ab).where(eq(ab.id, id)),
    slow: (id) => db.select({ v: a.v, w: b.v, work }).from(a).innerJoin(b, eq(b.id, a.id)).where(eq(a.id, id)),
    outer: (id) => db.select({ v: c.v }).from(c).where(eq(c.id, id)),
    cascade: (id) => db.select({ v: q.v }).from(q).where(eq(q.id, id)),
    mirror: (id) => db.select({ v: m.v }).from(m).where(eq(m.id, id)),
    kin: (id) => db.select({ v: p.v, w: m.v }).from(p).innerJoin(m, eq(m.id, p.id)).where(eq(p.id, id)),
    quiet: (id) => db.select({ v: quiet.v }).from(quiet).where(eq(quiet.id, id))
  }

  const one = (rows: ReadonlyArray<Commit>): Commit => {
    const [row] = rows
    if (row === undefined) throw new Error("a write found no row")
    return row
  }
  const xid = sql<string>`pg_current_xact_id()::text`
  const increment = async (handle: Pick<typeof db, "update">, table: typeof a, row: number): Promise<Commit> =>
    one(
      await handle.update(table).set({ v: sql`${table.v} + 1` }).where(eq(table.id, row))
        .returning({ version: table.v, xid })
    )

  const writeOne = async (group: Written, row: number): Promise<Commit> => {
    if (group !== "pair") return increment(db, group === "family" ? p : quiet, row)
    const { rows } = await db.execute(sql`
      with x as (update a set v = v + 1 where id = ${row} returning v)
      update b set v = x.v from x where b.id = ${row} returning b.v::int as version, pg_current_xact_id()::text as xid`)
    // A cast: the text names these columns.
    return one(rows as unknown as ReadonlyArray<Commit>)
  }

  return {
    read: async (query, row) => {
      const [found] = await read[query](row)
      if (found === undefined) throw new Error("a query found no row")
      return Object.values(found).slice(0, 2)
    },
    write: writeOne,
    transaction: (group, row, { poisoned, sending }) =>
      db.transaction(async (tx) => {
        if (poisoned) {
          for (const table of group === "pair" ? [a, b] : [group === "family" ? p : quiet]) {
            await tx.update(table).set({ v: poison }).where(eq(table.id, row))
            await tx.select({ v: table.v }).from(table).where(eq(table.id, row))
          }
          throw new Poisoned()
        }
        if (group !== "pair") {
          const commit = await increment(tx, group === "family" ? p : quiet, row)
          sending(commit)
          return commit
        }
        const commit = await increment(tx, a, row)
        await increment(tx, b, row)
        sending(commit)
        return commit
      }).catch((error: unknown) => {
        if (error instanceof Poisoned) return undefined
        throw error
      }),
    counts: async () => ({ ...cache.counts }),
    close: () => pool.end()
  }
}
