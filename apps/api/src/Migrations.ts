import * as path from "node:path"

/** The folder that drizzle-kit writes, at the root of the repository. */
export const migrationsFolder = path.resolve(import.meta.dirname, "../../../drizzle")
