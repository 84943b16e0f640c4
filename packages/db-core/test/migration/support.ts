/** Folders as drizzle-kit writes them, and data layers to run them with. */
import { relations } from "@ems/schema"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { renderSchemaDump, type SchemaDumpRow, schemaDumpSql } from "../../src/catalog/schemaDump.ts"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"

export const breakpoint = "\n--> statement-breakpoint\n"

/** Migrations in the order given, each a list of statements or one text. Gone when the test ends. */
export const folderOf = (...migrations: ReadonlyArray<ReadonlyArray<string> | string>): string => {
  const folder = mkdtempSync(join(tmpdir(), "ems-migrations-"))
  migrations.forEach((sqlText, at) => put(folder, at, sqlText))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

export const nameOf = (at: number): string => `2026010100000${at}_m${at}`

/** Writes one migration into a folder, or over it. */
export const put = (folder: string, at: number, text: ReadonlyArray<string> | string): void => {
  mkdirSync(join(folder, nameOf(at)), { recursive: true })
  writeFileSync(join(folder, nameOf(at), "migration.sql"), typeof text === "string" ? text : text.join(breakpoint))
}

export interface Runner {
  readonly run: <A, E>(effect: Effect.Effect<A, E, DbCore.DbCore>) => Promise<A>
  /** What it logged, one line each. */
  readonly logged: Array<string>
  readonly close: () => Promise<void>
}

/** A data layer of its own, as another process would have. */
export const runner = (url: string): Runner => {
  const logged: Array<string> = []
  // An embedded database takes seconds to start on a busy machine.
  const slow = url.startsWith("pglite:")
    ? { acquireTimeout: 50_000, connectTimeout: 50_000, queryTimeout: 60_000 }
    : { poolMax: 2 }
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, { url, cacheFeed: "none", ...slow }))
  const logger = Logger.make(({ message }) => logged.push(String(message)))
  return {
    logged,
    // Everything that is logged below is meant for the test.
    run: (effect) => runtime.runPromise(Effect.provide(effect, Logger.layer([logger]))),
    close: () => runtime.dispose()
  }
}

/** The structure of `public`, as one text. */
export const dump = Effect.map(
  Database.use((database) =>
    database.write((db) => db.execute<SchemaDumpRow & Record<string, unknown>>(sql.raw(schemaDumpSql)))
  ),
  ({ rows }) => renderSchemaDump(rows)
)

/** What it failed with. */
export const failure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E | undefined, never, R> =>
  Effect.match(effect, { onFailure: (error): E | undefined => error, onSuccess: () => undefined })
