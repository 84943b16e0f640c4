/** The server process: settings, runtime, socket, signals. */
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import * as DbCore from "@ems/db-core/DbCore"
import * as Schedule from "@ems/db-core/maintenance/Schedule"
import * as Sampling from "@ems/db-core/optimizer/statistics/Sampling"
import * as Logging from "@ems/db-core/telemetry/Logging"
import { indexCatalog, relations } from "@ems/schema"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { createApp } from "./app.ts"
import * as FirstAdmin from "./FirstAdmin.ts"
import { serve } from "./Server.ts"
import * as Services from "./Services.ts"
import { fromEnvironment } from "./Settings.ts"
import * as Signals from "./Signals.ts"
import * as Export from "./telemetry/Export.ts"
import * as Webhook from "./webhook/Webhook.ts"

const run = Effect.gen(function*() {
  const settings = yield* fromEnvironment
  const { schedule, telemetry, webhook } = settings
  const runtime = yield* Effect.acquireRelease(
    Effect.sync(() =>
      ManagedRuntime.make(
        Layer.mergeAll(
          Sampling.layer(),
          schedule === undefined ? Layer.empty : Schedule.layer(schedule),
          webhook === undefined ? Layer.empty : Webhook.layer(webhook),
          Services.layerNoDeps(settings)
        ).pipe(
          Layer.provideMerge(DbCore.layer(relations, { indexes: indexCatalog })),
          Layer.provideMerge(Export.layer(telemetry)),
          Layer.provideMerge(Logging.layer)
        )
      )
    ),
    // Bounded: work that cannot be interrupted must not keep the process. Longer than `DbConfig.drainTimeout`.
    (runtime) => Effect.promise(() => runtime.dispose()).pipe(Effect.timeoutOption("15 seconds"))
  )
  // Wrong settings of the database show here, before the port is taken. It does not connect.
  const context = yield* runtime.contextEffect
  yield* Effect.gen(function*() {
    const address = yield* serve(createApp(context, settings), settings)
    yield* Effect.logInfo(`listening on http://${address}`)
    if (settings.auth === "off") {
      yield* Effect.logWarning("EMS_AUTH=off: whoever reaches this address may do everything")
    } else if (settings.offersFirstAdmin) yield* FirstAdmin.offer(address)
    const signal = yield* Signals.first
    yield* HealthCheck.use((health) => health.drain)
    yield* Effect.logInfo(`${signal}: finishing the requests in flight`)
  }).pipe(Effect.scoped, Effect.provide(context))
}).pipe(Effect.scoped)

const exitWith = (code: number) => (error: { readonly message: string }) =>
  Effect.sync(() => process.stderr.write(`${error.message}\n`)).pipe(Effect.as(code))

const program = run.pipe(
  Effect.as(0),
  Effect.catchTags({
    SettingsError: exitWith(2),
    DbConfigError: exitWith(2),
    AccessConfigError: exitWith(2),
    ConfigError: exitWith(2)
  }),
  Effect.catchTag("ListenError", exitWith(1))
)

void Effect.runPromise(program).then((code) => process.exit(code))
