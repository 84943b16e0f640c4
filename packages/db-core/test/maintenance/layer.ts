/** Apart from `support.ts`, which is for tests: processes of their own use it, too. */
import * as Layer from "effect/Layer"
import type { IndexDefinition } from "../../src/catalog/IndexDefinition.ts"
import { DbConfig } from "../../src/config/DbConfig.ts"
import { Database } from "../../src/connection/Database.ts"
import { Observations } from "../../src/connection/Observations.ts"
import { Pool } from "../../src/connection/Pool.ts"
import { StatementRunner } from "../../src/connection/StatementRunner.ts"
import { Driver } from "../../src/driver/Driver.ts"
import { Maintenance, type MaintenanceOptions } from "../../src/maintenance/Maintenance.ts"

export const index = (
  name: string,
  table: string,
  columns: ReadonlyArray<string>,
  rest: Partial<IndexDefinition> = {}
) =>
  ({
    name,
    schema: "public",
    table,
    columns,
    unique: false,
    method: "btree",
    predicate: null,
    ...rest
  }) satisfies IndexDefinition

export const maintenanceLayer = (url: string, options: MaintenanceOptions, applicationName = "ems-test") =>
  Maintenance.layerNoDeps(options).pipe(
    Layer.provideMerge(Database.layerNoDeps({})),
    Layer.provide(StatementRunner.layerNoDeps()),
    Layer.provide(Pool.layerNoDeps()),
    Layer.provide(Driver.layerNoDeps()),
    Layer.provide(Observations.layer()),
    Layer.provide(
      DbConfig.layerOf({
        url,
        applicationName,
        cacheFeed: "none",
        connectTimeout: 30_000,
        acquireTimeout: 30_000,
        queryTimeout: 30_000
      })
    )
  )
