/** `@ems/db-core`: prepared queries, built ones and raw SQL, all through its Optimizer. */
import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import * as ChangeLog from "@ems/db-core/migration/ChangeLog"
import { Optimizer } from "@ems/db-core/optimizer/Optimizer"
import { defineRelations, eq, sql } from "drizzle-orm"
import { bigint, integer, pgTable, pgView } from "drizzle-orm/pg-core"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import {
  type CacheContender,
  type CacheOptions,
  type Commit,
  type Counts,
  type Level,
  type Written
} from "../Contender.ts"
import { poison, type QueryName, tables } from "../Layout.ts"

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
const relations = defineRelations({ a, b, c, p, q, m, quiet })

/** What a transaction that shall roll back fails with. */
class Poisoned extends Data.TaggedError("Poisoned") {}

/** A statement that waits longer than this is not waited for. Milliseconds. */
const queryTimeout = 2000

const xid = sql<string>`pg_current_xact_id()::text`

type Row = Readonly<Record<string, unknown>>

/** The first row's values, in the order of the query. */
const valuesOf = (rows: ReadonlyArray<unknown>): ReadonlyArray<number> => {
  const [row] = rows
  if (typeof row !== "object" || row === null) throw new Error("a query found no row")
  return Object.values(row as Row).slice(0, 2).map(Number)
}

const commitOf = (rows: ReadonlyArray<unknown>): Commit => {
  const [row] = rows
  if (typeof row !== "object" || row === null) throw new Error("a write found no row")
  const { version, xid } = row as Row
  return { version: Number(version), xid: String(xid) }
}

export const open = async (options: CacheOptions): Promise<CacheContender> => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, {
    url: options.url,
    poolMax: options.connections,
    queryTimeout,
    acquireTimeout: queryTimeout,
    connectTimeout: queryTimeout,
    commitResolveTimeout: queryTimeout,
    applicationName: options.applicationName,
    cacheStaleness: options.boundMs
  }))
  const [database, optimizer] = await runtime.runPromise(Effect.all([Database.with(relations), Optimizer]))
  const run = runtime.runPromise

  const id = sql.placeholder("id")
  const prepared = await run(database.query((db) =>
    Effect.succeed({
      pk: db.select({ v: a.v }).from(a).where(eq(a.id, id)).prepare("pk"),
      join: db.select({ v: a.v, w: b.v }).from(a).innerJoin(b, eq(b.id, a.id)).where(eq(a.id, id)).prepare("join"),
      outer: db.select({ v: c.v }).from(c).where(eq(c.id, id)).prepare("outer"),
      quiet: db.select({ v: quiet.v }).from(quiet).where(eq(quiet.id, id)).prepare("quiet")
    })
  ))
  const bounded = {
    pk: optimizer.prepare(prepared.pk),
    join: optimizer.prepare(prepared.join),
    outer: optimizer.prepare(prepared.outer),
    quiet: optimizer.prepare(prepared.quiet)
  }
  const isPrepared = (query: QueryName): query is keyof typeof bounded => Object.hasOwn(bounded, query)

  type Db = Parameters<Parameters<typeof database.query>[0]>[0]
  const raw = (db: Db, query: QueryName, row: number) => {
    switch (query) {
      case "cte":
        return db.execute(sql`with x as (select id, v from a where id = ${row})
          select x.v, b.v as w from x join b on b.id = x.id`)
      case "scalar":
        return db.execute(sql`select a.v, (select c.v from c where c.id = a.id) as w from a where a.id = ${row}`)
      case "slow":
        return db.execute(sql`select a.v, b.v as w,
          (select count(*) from filler f, filler g where (f.n * g.n) % 7 = a.id) as work
          from a join b on b.id = a.id where a.id = ${row}`)
      case "kin":
        return db.execute(sql`select p.v, m.v as w from p join m on m.id = p.id where p.id = ${row}`)
      default:
        throw new Error(`${query} is no raw query`)
    }
  }
  /** Built anew each time, as an application does. */
  const read = (query: QueryName, row: number, consistency: Level) =>
    database.query((db): Effect.Effect<ReadonlyArray<unknown>, unknown> => {
      const options = { consistency }
      switch (query) {
        case "pk":
          return optimizer.cached(db.select({ v: a.v }).from(a).where(eq(a.id, row)), options)
        case "join":
          return optimizer.cached(
            db.select({ v: a.v, w: b.v }).from(a).innerJoin(b, eq(b.id, a.id)).where(eq(a.id, row)),
            options
          )
        case "outer":
          return optimizer.cached(db.select({ v: c.v }).from(c).where(eq(c.id, row)), options)
        case "quiet":
          return optimizer.cached(db.select({ v: quiet.v }).from(quiet).where(eq(quiet.id, row)), options)
        case "view":
          return optimizer.cached(db.select({ v: ab.v, w: ab.w }).from(ab).where(eq(ab.id, row)), options)
        case "cascade":
          return optimizer.cached(db.select({ v: q.v }).from(q).where(eq(q.id, row)), options)
        case "mirror":
          return optimizer.cached(db.query.m.findMany({ columns: { v: true }, where: { id: row } }), options)
        default:
          return Effect.map(optimizer.cached(raw(db, query, row), options), ({ rows }) => rows)
      }
    })

  const tableOf = (group: Written) => group === "pair" ? a : group === "family" ? p : quiet
  const increment = (db: Pick<Db, "update">, table: typeof a, row: number) =>
    Effect.map(
      db.update(table).set({ v: sql`${table.v} + 1` }).where(eq(table.id, row)).returning({ version: table.v, xid }),
      commitOf
    )
  const alone = (db: Db, group: Written, row: number) =>
    group === "pair"
      ? Effect.map(
        db.execute(sql`with x as (update a set v = v + 1 where id = ${row} returning v)
          update b set v = x.v from x where b.id = ${row}
          returning b.v as version, pg_current_xact_id()::text as xid`),
        ({ rows }) => commitOf(rows)
      )
      : increment(db, tableOf(group), row)

  return {
    read: async (query, row, level) =>
      valuesOf(
        await run(
          level === "bounded" && isPrepared(query) ? bounded[query].execute({ id: row }) : read(query, row, level)
        )
      ),
    tryRead: (query, row) => {
      const found = isPrepared(query) ? bounded[query].tryHit({ id: row }) : undefined
      return found === undefined ? undefined : valuesOf(found)
    },
    // Half of them as a statement by itself, half in the transaction that `write` makes around one.
    write: (group, row) =>
      run(
        row % 2 === 0 ? database.query((db) => alone(db, group, row)) : database.write((db) => alone(db, group, row))
      ),
    transaction: async (group, row, { poisoned, sending }) => {
      const written = optimizer.causal(database.transaction((tx) =>
        Effect.gen(function*() {
          if (poisoned) {
            for (const table of group === "pair" ? [a, b] : [tableOf(group)]) {
              yield* tx.update(table).set({ v: poison }).where(eq(table.id, row))
              const [found] = yield* optimizer.cached(tx.select({ v: table.v }).from(table).where(eq(table.id, row)))
              if (found?.v !== poison) return yield* Effect.die(new Error("a transaction did not read what it wrote"))
            }
            return yield* new Poisoned()
          }
          const commit = yield* increment(tx, tableOf(group), row)
          if (group === "pair") yield* increment(tx, b, row)
          sending(commit)
          return commit
        })
      )).pipe(
        Effect.catchTag("Poisoned", () => Effect.void)
      )
      const done = await run(written)
      if (done === undefined) return undefined
      const { after, value } = done
      if (after !== value.xid) throw new Error(`the transaction ${value.xid} was named as ${after}`)
      return value
    },
    counts: async (): Promise<Counts> => {
      const detail = await run(optimizer.snapshot)
      return {
        hits: detail.hits + detail.revalidated,
        misses: detail.misses + detail.joined,
        bypasses: Object.values(detail.bypasses).reduce((sum, count) => sum + (count ?? 0), 0),
        detail
      }
    },
    install: () =>
      run(Effect.andThen(ChangeLog.install, ChangeLog.track([...tables, "filler"].map((name) => `public.${name}`)))),
    close: () => runtime.dispose()
  }
}
