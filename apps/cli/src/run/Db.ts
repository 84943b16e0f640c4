/** The data layer of a command, configured by the environment. */
import { DbConfig } from "@ems/db-core/config/DbConfig"
import * as DbCore from "@ems/db-core/DbCore"
import { indexCatalog, relations } from "@ems/schema"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** What an operator should know about the configured connection, whatever the log level. */
const warnings = Layer.effectDiscard(Effect.gen(function*() {
  const { target } = yield* DbConfig
  for (const warning of target.warnings) yield* Console.error(`emsdb: warning: ${warning}`)
}))

const layer = Layer.provideMerge(warnings, DbCore.layer(relations, { indexes: indexCatalog }))

/** A command is an entry point: it opens the data layer and closes it. */
// @effect-diagnostics-next-line strictEffectProvide:off
export const withDatabase = Effect.provide(layer)
