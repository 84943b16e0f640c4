/**
 * The same situation on each server that there is: the newest, the oldest that is supported, and, from
 * `embedded.test.ts`, which runs every file's again, an embedded one.
 */
import "@ems/db-testing/context"
import { createTestDatabase } from "@ems/db-testing/TestDatabase"
import { defineRelations } from "drizzle-orm"
import { sql } from "drizzle-orm"
import type * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, inject, it } from "vitest"
import { Catalog } from "../../src/catalog/Catalog.ts"
import type { CatalogQuery } from "../../src/catalog/CatalogQuery.ts"
import type { Finding } from "../../src/catalog/Finding.ts"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"

const relations = defineRelations({}, () => ({}))

export interface Stage {
  readonly server: "18" | "15" | "embedded"
  readonly url: string
  /** Runs SQL as superuser, each statement for itself, outside of transactions. */
  readonly admin: (...statements: ReadonlyArray<string>) => Promise<void>
  /** Rows of a catalog query; fails when it is not available here. */
  readonly rows: <Row>(query: CatalogQuery<Row>) => Promise<ReadonlyArray<Row>>
  /** Why a catalog query is not available here. */
  readonly unavailable: (query: CatalogQuery<unknown>) => Promise<string>
  /** What one check finds. */
  readonly findings: (check: string, limits?: Readonly<Record<string, number>>) => Promise<ReadonlyArray<Finding>>
  readonly run: <A, E>(effect: Effect.Effect<A, E, DbCore.DbCore>) => Promise<A>
}

type Runtime = ManagedRuntime.ManagedRuntime<DbCore.DbCore, unknown>

const open = (url: string): Runtime => ManagedRuntime.make(DbCore.layerOf(relations, { url, cacheFeed: "none" }))

const stageOf = (
  server: Stage["server"],
  url: string,
  runtime: Runtime,
  run: (statement: string) => Promise<unknown>
): Stage => {
  const read = (query: CatalogQuery<unknown>) => runtime.runPromise(Catalog.use((catalog) => catalog.read(query)))
  return {
    server,
    url,
    admin: async (...statements) => {
      for (const statement of statements) await run(statement)
    },
    rows: async (query) => {
      const answer = await runtime.runPromise(Catalog.use((catalog) => catalog.read(query)))
      if (!answer.isAvailable) throw new Error(`not available: ${answer.unavailable.text}`)
      return answer.rows
    },
    unavailable: async (query) => {
      const answer = await read(query)
      if (answer.isAvailable) throw new Error("it is available")
      return answer.unavailable.because
    },
    findings: async (check, limits = {}) => {
      const [result] = await runtime.runPromise(Catalog.use((catalog) => catalog.checks({ only: [check], limits })))
      if (result === undefined) throw new Error(`no check is called ${check}`)
      if (!result.answer.isAvailable) throw new Error(`not available: ${result.answer.unavailable.text}`)
      return result.answer.rows
    },
    run: (effect) => runtime.runPromise(effect)
  }
}

const onServer = async (server: "18" | "15", body: (stage: Stage) => Promise<void>) => {
  const database = await createTestDatabase({ template: false, oldest: server === "15" })
  const runtime = open(database.url)
  try {
    await body(stageOf(server, database.url, runtime, database.admin))
  } finally {
    await runtime.dispose()
    await database.close()
  }
}

/** Set while `embedded.test.ts` collects the situations of the other files. */
export const embedded: { url: string | undefined } = { url: undefined }

let shared: Runtime | undefined
const closeShared = async () => {
  await shared?.dispose()
  shared = undefined
}

/** Starting one takes seconds: all situations share it, one after the other, each in a database without schemas. */
const onEmbedded = async (url: string, body: (stage: Stage) => Promise<void>) => {
  const runtime = shared ??= open(url)
  const run = (statement: string) =>
    runtime.runPromise(Database.use((database) => database.direct((db) => db.execute(sql.raw(statement)))))
  await run(`do $$ declare name text; begin
    for name in select quote_ident(nspname) from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
    loop execute 'drop schema ' || name || ' cascade'; end loop; end $$`)
  await run("create schema public")
  await body(stageOf("embedded", url, runtime, run))
}

export interface SituationOptions {
  /** Not where there is but one session, no autovacuum, no cancel. Default true: there too. */
  readonly embedded?: boolean
  /** Not below 16, for what 15 has not. Default true: there too. */
  readonly oldest?: boolean
}

/** A test of one situation on Postgres 18, on 15 where it is installed, and on an embedded database. */
export const situation = (
  name: string,
  body: (stage: Stage) => Promise<void>,
  options: SituationOptions = {}
): void => {
  const { url } = embedded
  const onOldest = options.oldest !== false
  const servers: ReadonlyArray<Stage["server"]> = url === undefined
    ? ["18", ...onOldest ? ["15" as const] : []]
    : options.embedded === false
    ? []
    : ["embedded"]
  for (const server of servers) {
    it(`${name}, on ${server}`, { timeout: 60_000 }, (ctx) => {
      if (server === "embedded") return onEmbedded(url ?? "", body)
      if (server === "15" && inject("postgres15Url") === undefined) return ctx.skip("Postgres 15 is not installed")
      return onServer(server, body)
    })
  }
}

afterAll(closeShared)
