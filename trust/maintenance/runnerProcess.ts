/**
 * `runnerProcess.ts <url> maintenance <definitions> <request>` or `… migrate <folder>`. Says `begun`, then `done` or
 * `failed` with what there is to say. Stops in order at SIGTERM.
 */
import * as DbCore from "@ems/db-core/DbCore"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import * as Migrator from "@ems/db-core/migration/Migrator"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"

const [url = "", what, ...words] = process.argv.slice(2)
const say = (line: string) => void process.stdout.write(`${line}\n`)

const runtime = ManagedRuntime.make(
  DbCore.layerOf(
    {},
    { url, applicationName: `runner ${process.pid}`, cacheFeed: "none" },
    what === "maintenance" ? { indexes: JSON.parse(words[0] ?? "[]") } : {}
  )
)

const maintain = Effect.gen(function*() {
  const maintenance = yield* Maintenance
  const job = yield* maintenance.start(JSON.parse(words[1] ?? "{}"))
  say("begun")
  const { steps } = yield* Effect.onInterrupt(job.result, () => Effect.ignore(maintenance.cancel(job.id)))
  return steps.map(({ outcome, step }) => `${step.kind} ${step.object} ${outcome}`).join("; ")
})

const migrate = Effect.gen(function*() {
  say("begun")
  const { appliedNow } = yield* Migrator.migrate(words[0] ?? "")
  return appliedNow.join("; ")
})

const work: Effect.Effect<string, unknown, DbCore.DbCore> = what === "maintenance" ? maintain : migrate
// Only what it says itself is for the one that started it.
const fiber = runtime.runFork(Effect.provide(work, Logger.layer([])))
process.once("SIGTERM", () => void Effect.runPromise(Fiber.interrupt(fiber)))
const exit = await Effect.runPromise(Fiber.await(fiber))
const error: unknown = Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
say(
  Exit.isSuccess(exit)
    ? `done ${exit.value}`
    : `failed ${error instanceof Error ? `${error.name} ${error.message}` : String(error)}`
)
await runtime.dispose()
process.exit(0)
