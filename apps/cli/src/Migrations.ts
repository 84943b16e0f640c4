/** The migrations of the product. The built program has no folder of them: `build/bundle.ts` puts them in here. */
import type { MigrationSource } from "@ems/db-core/migration/MigrationFiles"
import * as path from "node:path"

/** The folder that drizzle-kit writes, at the root of the repository. */
export const productMigrations: MigrationSource = path.resolve(import.meta.dirname, "../../../drizzle")
