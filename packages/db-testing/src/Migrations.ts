/**
 * Applies the generated migrations with an independent client: the oracle of the tests must not depend on the
 * migrator that they test.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Client } from "pg"

/** The repository's migrations, in the order of their folders. */
export const migrationsDirectory = path.resolve(import.meta.dirname, "../../../drizzle")

export const applyMigrations = async (client: Client, directory = migrationsDirectory): Promise<number> => {
  if (!fs.existsSync(directory)) return 0
  const files = fs.readdirSync(directory).toSorted()
    .map((folder) => path.join(directory, folder, "migration.sql"))
    .filter((file) => fs.existsSync(file))
  for (const file of files) {
    // One by one: several statements in one string are one transaction, where CREATE INDEX CONCURRENTLY is refused.
    for (const statement of fs.readFileSync(file, "utf8").split("--> statement-breakpoint")) {
      if (statement.trim() === "") continue
      try {
        await client.query(statement)
      } catch (cause) {
        throw new Error(
          `${file} failed: ${cause instanceof Error ? cause.message : String(cause)}\n${statement.trim()}`,
          {
            cause
          }
        )
      }
    }
  }
  return files.length
}
