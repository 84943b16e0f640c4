/** The server of a run, and what is in its database. */
import * as DbCore from "@ems/db-core/DbCore"
import * as ChangeLog from "@ems/db-core/migration/ChangeLog"
import { withClient } from "@ems/db-testing/Admin"
import { type Running, startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { applyMigrations } from "@ems/db-testing/Migrations"
import { relations } from "@ems/schema"
import { integer, pgTable } from "drizzle-orm/pg-core"
import * as Effect from "effect/Effect"

/** Users, each read by its key: as many different answers. */
export const rows = 1000

/** What an aggregate goes through: more than take 2 ms anywhere. */
export const readingRows = 200_000

export const readings = pgTable("readings", { id: integer("id").primaryKey(), value: integer("value").notNull() })

/** Two tables that differ in nothing but the triggers. */
export const accounts = { plain: "accounts_plain", logged: "accounts_logged" } as const

/** Accounts in each: so many that writers seldom meet. */
export const accountRows = 10_000

const statements = [
  `insert into users (email, name) select 'u' || n || '@x.io', 'User ' || n from generate_series(1, ${rows}) n`,
  "create table readings (id int primary key, value int not null)",
  `insert into readings select n, n % 1000 from generate_series(1, ${readingRows}) n`,
  ...Object.values(accounts).flatMap((table) => [
    // Room for new versions on the same page, as a table has that is updated all the time.
    `create table ${table} (id int primary key, balance int not null) with (fillfactor = 50)`,
    `insert into ${table} select n, 0 from generate_series(1, ${accountRows}) n`
  ]),
  "create extension pg_stat_statements"
]

/**
 * Writers wait for their commits as in production; everything else is as in tests. Autovacuum is on, as the change log
 * and what is written all the time need it.
 */
export const startServer = async (): Promise<Running> => {
  const server = await startPostgres({ settings: { fsync: "on", autovacuum: "on" } })
  try {
    await withClient(server.url, async (client) => {
      await applyMigrations(client)
      for (const statement of statements) await client.query(statement)
    })
    await Effect.runPromise(
      ChangeLog.install.pipe(
        Effect.andThen(ChangeLog.track(["public.users", "public.readings", `public.${accounts.logged}`])),
        Effect.provide(DbCore.layerOf(relations, { url: server.url })),
        Effect.scoped
      )
    )
    await withClient(server.url, (client) => client.query("vacuum analyze"))
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}
