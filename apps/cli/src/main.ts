#!/usr/bin/env node
/** emsdb: the commands of the data layer. */
import * as Command from "effect/cli/Command"
import { admin } from "./commands/admin.ts"
import { cache } from "./commands/cache.ts"
import { check } from "./commands/check.ts"
import { explain } from "./commands/explain.ts"
import { health } from "./commands/health.ts"
import { indexes } from "./commands/indexes.ts"
import { init } from "./commands/init.ts"
import { analyze, maintenance, optimize, reindex, vacuum } from "./commands/maintenance.ts"
import { drift, migrate } from "./commands/migrate.ts"
import { locks, queries, space, tables } from "./commands/reports.ts"
import { seed } from "./commands/seed.ts"
import { cancel, kill } from "./commands/signals.ts"
import { status } from "./commands/status.ts"
import { run } from "./Runner.ts"

const emsdb = Command.make("emsdb").pipe(
  Command.withDescription(
    "Creates, migrates, fills, watches and mends the database of an event management system. Reads DATABASE_URL. "
      + "Exit codes: 0 ok, 1 findings, 2 usage or configuration, 3 connection, 4 lock held, 5 aborted."
  ),
  Command.withSubcommands([
    init,
    migrate,
    drift,
    seed,
    status,
    health,
    check,
    queries,
    explain,
    tables,
    space,
    indexes,
    locks,
    cancel,
    kill,
    analyze,
    vacuum,
    reindex,
    optimize,
    maintenance,
    cache,
    admin
  ])
)

run(emsdb, "0.1.0")
