/** A process of its own that runs one request: `maintenanceProcess.ts <url> <definitions> <request>`. Says `begun`, then how it ended. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Maintenance } from "../../src/maintenance/Maintenance.ts"
import { maintenanceLayer } from "./layer.ts"

const [url = "", indexes = "[]", request = "{}"] = process.argv.slice(2)
const runtime = ManagedRuntime.make(
  maintenanceLayer(url, { indexes: JSON.parse(indexes), limits: { retryDelay: 50 } }, `child ${process.pid}`)
)
const say = (word: string, more: object = {}) => process.stdout.write(`${JSON.stringify({ word, ...more })}\n`)

const fiber = runtime.runFork(Effect.gen(function*() {
  const maintenance = yield* Maintenance
  const job = yield* maintenance.start(JSON.parse(request))
  yield* Effect.sync(() => say("begun", { id: job.id }))
  return yield* job.result
}))
const exit = await Effect.runPromise(Fiber.await(fiber))
say(exit._tag, exit._tag === "Success" ? { steps: exit.value.steps.length } : { cause: JSON.stringify(exit.cause) })
await runtime.dispose()
process.exit(0)
