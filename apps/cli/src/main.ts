#!/usr/bin/env node
/** emsdb: the commands of the data layer. */
import * as Command from "effect/cli/Command"
import { isMainThread } from "node:worker_threads"
import manifest from "../package.json" with { type: "json" }
import { admin } from "./commands/admin.ts"
import { bench } from "./commands/bench.ts"
import { cache } from "./commands/cache.ts"
import { check } from "./commands/check.ts"
import { doctor } from "./commands/doctor.ts"
import { explain } from "./commands/explain.ts"
import { health } from "./commands/health.ts"
import { indexes } from "./commands/indexes.ts"
import { init } from "./commands/init.ts"
import { analyze, maintenance, optimize, reindex, vacuum } from "./commands/maintenance.ts"
import { drift, migrate } from "./commands/migrate.ts"
import { report } from "./commands/report.ts"
import { locks, queries, space, tables } from "./commands/reports.ts"
import { seed } from "./commands/seed.ts"
import { cancel, kill } from "./commands/signals.ts"
import { slow } from "./commands/slow.ts"
import { status } from "./commands/status.ts"
import { top } from "./commands/top.ts"
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
    doctor,
    check,
    queries,
    slow,
    explain,
    tables,
    space,
    indexes,
    locks,
    top,
    cancel,
    kill,
    analyze,
    vacuum,
    reindex,
    optimize,
    maintenance,
    cache,
    report,
    bench,
    admin
  ])
)

// The built file is the worker of an embedded database as well.
if (isMainThread) run(emsdb, manifest.version)
