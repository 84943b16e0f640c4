#!/usr/bin/env node
/** emsdb: the commands of the data layer. */
import * as Command from "effect/cli/Command"
import { cache } from "./commands/cache.ts"
import { check } from "./commands/check.ts"
import { health } from "./commands/health.ts"
import { indexes } from "./commands/indexes.ts"
import { init } from "./commands/init.ts"
import { analyze, maintenance, optimize, reindex, vacuum } from "./commands/maintenance.ts"
import { drift, migrate } from "./commands/migrate.ts"
import { seed } from "./commands/seed.ts"
import { run } from "./Runner.ts"

const emsdb = Command.make("emsdb").pipe(
  Command.withDescription(
    "Creates, migrates, fills and checks the database of an event management system. Reads DATABASE_URL. "
      + "Exit codes: 0 ok, 1 findings, 2 usage or configuration, 3 connection, 4 lock held, 5 aborted."
  ),
  Command.withSubcommands([
    init,
    migrate,
    drift,
    seed,
    health,
    check,
    indexes,
    analyze,
    vacuum,
    reindex,
    optimize,
    maintenance,
    cache
  ])
)

run(emsdb, "0.1.0")
