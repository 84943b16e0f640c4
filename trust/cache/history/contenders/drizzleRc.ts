/** drizzle-orm 1.0 (release candidate) with its own cache. */
import * as orm from "drizzle-orm"
import * as cache from "drizzle-orm/cache/core"
import * as driver from "drizzle-orm/node-postgres"
import * as core from "drizzle-orm/pg-core"
import type { CacheOptions } from "../Contender.ts"
import { type DrizzleModules, openDrizzle } from "./drizzle.ts"

export const open = (options: CacheOptions) =>
  // A cast: of what is called the two versions have the same, under types that do not know each other.
  openDrizzle({ orm, core, driver, cache } as unknown as DrizzleModules, options)
