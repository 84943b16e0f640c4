/** drizzle-orm 0.45 without a cache: what the checker finds here is the checker's own mistake. */
import * as orm from "drizzle-orm-045"
import * as cache from "drizzle-orm-045/cache/core"
import * as driver from "drizzle-orm-045/node-postgres"
import * as core from "drizzle-orm-045/pg-core"
import type { CacheOptions } from "../Contender.ts"
import { openDrizzle } from "./drizzle.ts"

export const open = (options: CacheOptions) => openDrizzle({ orm, core, driver, cache }, options, false)
