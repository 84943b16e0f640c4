/** drizzle-orm 0.45 with its own cache. */
import * as orm from "drizzle-orm-045"
import * as cache from "drizzle-orm-045/cache/core"
import * as driver from "drizzle-orm-045/node-postgres"
import * as core from "drizzle-orm-045/pg-core"
import type { CacheOptions } from "../Contender.ts"
import { openDrizzle } from "./drizzle.ts"

export const open = (options: CacheOptions) => openDrizzle({ orm, core, driver, cache }, options)
