/** An empty database in the memory of this process, which needs no server: for what migrations make of one. */
import * as DbCore from "@ems/db-core/DbCore"
import { indexCatalog, relations } from "@ems/schema"
import * as Effect from "effect/Effect"

/** It takes seconds to start, many on a busy machine, and whoever asks it meanwhile waits in the pool. Milliseconds. */
const patience = { connectTimeout: 60_000, acquireTimeout: 60_000, queryTimeout: 120_000 }

const layer = DbCore.layerOf(relations, { url: "pglite:memory", cacheFeed: "none", ...patience }, {
  indexes: indexCatalog
})

// A database of its own, not the command's.
// @effect-diagnostics-next-line strictEffectProvide:off
export const withMemoryDatabase = Effect.provide(layer)
