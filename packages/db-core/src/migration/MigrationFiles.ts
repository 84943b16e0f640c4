/**
 * The folder that drizzle-kit writes: one folder for each migration, its `migration.sql` cut into chunks, each chunk
 * into statements. A program that is shipped without that folder has read it when it was built.
 */
import { readMigrationFiles } from "drizzle-orm/migrator"
import * as Effect from "effect/Effect"
import { DbConfigError } from "../config/DbConfigError.ts"
import { parse } from "./statement/Parser.ts"
import { isTransactionControl, type Statement, statementOf } from "./statement/Statement.ts"

/** A migration as Drizzle's own migrator reads it. */
export interface MigrationFile {
  /** Of its folder, which begins with the time it was made. */
  readonly name: string
  /** SHA-256 of the file, as Drizzle's journal has it. */
  readonly hash: string
  /** The time in its name, as Drizzle's journal has it. Milliseconds since 1970. */
  readonly createdAt: number
  readonly chunks: ReadonlyArray<string>
}

/** A folder that drizzle-kit writes, or what `readFiles` made of one. */
export type MigrationSource = string | ReadonlyArray<MigrationFile>

export interface Migration extends MigrationFile {
  readonly statements: ReadonlyArray<Statement>
}

export const refused = (value: string, expected: string): DbConfigError =>
  new DbConfigError({ key: "migrations", value, expected })

/** In the order in which they are applied. */
export const readFiles = (source: MigrationSource): Effect.Effect<ReadonlyArray<MigrationFile>, DbConfigError> =>
  typeof source === "string"
    ? Effect.try({
      try: () =>
        readMigrationFiles({ migrationsFolder: source }).map(({ folderMillis, hash, name, sql }) => ({
          name: name ?? "",
          hash,
          createdAt: folderMillis,
          chunks: sql
        })),
      catch: () => refused(source, "a folder that drizzle-kit generate has written")
    })
    : Effect.succeed(source)

/** Reads its statements. Fails for what the runner could not run so that a second run could go on behind a first. */
export const parseFile = Effect.fnUntraced(function*(file: MigrationFile) {
  const parsed = yield* Effect.forEach(file.chunks, (chunk, at) => {
    // Lines count from the beginning of the file.
    const before = file.chunks.slice(0, at).join("").split("\n").length - 1
    return parse(chunk).pipe(
      Effect.map((statements) => statements.map((each) => ({ ...each, line: each.line + before }))),
      Effect.mapError(({ line }) => refused(file.name, `SQL of Postgres, up to line ${line + before}`))
    )
  })
  const statements = parsed.flat().map(statementOf)
  for (const { command, line, node } of statements) {
    if (isTransactionControl({ node })) {
      return yield* refused(file.name, `no ${command} in line ${line}: the runner opens and commits transactions`)
    }
    if ("IndexStmt" in node && node.IndexStmt.concurrent === true && node.IndexStmt.idxname === undefined) {
      return yield* refused(
        file.name,
        `a name for the index of line ${line}: without one nobody could tell it was built`
      )
    }
  }
  return { ...file, statements } satisfies Migration
})
