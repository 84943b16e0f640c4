/** A data layer on a database of its own, with the change log on its tables. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing/TestDatabase"
import { defineRelations } from "drizzle-orm"
import { bigint, integer, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Input } from "../../../src/config/DbConfig.ts"
import { Database, type DatabaseShape, type Handle } from "../../../src/connection/Database.ts"
import * as DbCore from "../../../src/DbCore.ts"
import * as ChangeLog from "../../../src/migration/ChangeLog.ts"
import { type CacheOptions, type CacheSnapshot, Optimizer, type Query } from "../../../src/optimizer/Optimizer.ts"

export const parents = pgTable("parents", { id: integer().primaryKey(), v: integer().notNull() })
export const children = pgTable("children", {
  id: integer().primaryKey(),
  parentId: integer("parent_id").notNull(),
  note: text(),
  facts: jsonb(),
  at: timestamp({ withTimezone: true }),
  big: bigint({ mode: "bigint" })
})
export const relations = defineRelations(
  { parents, children },
  (r) => ({
    parents: { children: r.many.children({ from: r.parents.id, to: r.children.parentId }) },
    children: { parent: r.one.parents({ from: r.children.parentId, to: r.parents.id }) }
  })
)
export type Relations = typeof relations

const schema = [
  "create table parents (id int primary key, v int not null)",
  `create table children (id int primary key, parent_id int not null references parents on delete cascade on update cascade,
    note text, facts jsonb, at timestamptz, big bigint)`,
  "create view parent_view as select p.id, p.v, count(c.id) as children from parents p left join children c on c.parent_id = p.id group by p.id",
  "insert into parents select n, 0 from generate_series(1, 10) n",
  `insert into children select n, 1 + n % 10, 'note ' || n, jsonb_build_object('n', n), '2026-01-01T00:00:00Z', n
    from generate_series(1, 20) n`
]

export interface Layer {
  readonly run: <A, E>(effect: Effect.Effect<A, E, DbCore.DbCore>) => Promise<A>
  readonly database: DatabaseShape<Relations>
  readonly optimizer: Optimizer["Service"]
  /** Runs one query through the cache. */
  readonly read: <A>(
    use: (db: Handle<Relations>) => Query<A>,
    options?: CacheOptions
  ) => Promise<A>
  readonly snapshot: () => Promise<CacheSnapshot>
  readonly close: () => Promise<void>
}

export const openLayer = async (url: string, settings: Partial<Input> = {}): Promise<Layer> => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, { ...settings, url }))
  const { database, optimizer } = await runtime.runPromise(
    Effect.all({ database: Database.with(relations), optimizer: Optimizer })
  )
  return {
    run: (effect) => runtime.runPromise(effect),
    database,
    optimizer,
    read: (use, options) => runtime.runPromise(database.query((db) => optimizer.cached(use(db), options))),
    snapshot: () => runtime.runPromise(optimizer.snapshot),
    close: () => runtime.dispose()
  }
}

export const tracked = async (): Promise<TestDatabase> => {
  const database = await createTestDatabase({ template: false })
  for (const statement of schema) await database.admin(statement)
  const layer = await openLayer(database.url)
  await layer.run(Effect.andThen(ChangeLog.install, ChangeLog.track(["public.parents", "public.children"])))
  await layer.close()
  return database
}

/** Waits until `condition` holds; fails after `limit` milliseconds. */
export const until = async (condition: () => boolean | Promise<boolean>, limit = 3000): Promise<void> => {
  const end = performance.now() + limit
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`not within ${limit} ms`)
    await new Promise((done) => setTimeout(done, 10))
  }
}
