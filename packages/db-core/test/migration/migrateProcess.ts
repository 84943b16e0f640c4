/** Migrates the database of `DATABASE_URL` with the folder of its argument: a process to be killed. */
import { relations } from "@ems/schema"
import * as Effect from "effect/Effect"
import * as DbCore from "../../src/DbCore.ts"
import * as Migrator from "../../src/migration/Migrator.ts"

await Effect.runPromise(Effect.provide(Migrator.migrate(process.argv[2] ?? ""), DbCore.layer(relations)))
