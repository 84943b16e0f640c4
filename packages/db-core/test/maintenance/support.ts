/** Maintenance on a database of its own, with an oracle beside it. */
import { connect } from "@ems/db-testing/Admin"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing/TestDatabase"
import type * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Database } from "../../src/connection/Database.ts"
import { Maintenance, type MaintenanceOptions } from "../../src/maintenance/Maintenance.ts"
import { MaintenanceError, type MaintenanceReason } from "../../src/maintenance/MaintenanceError.ts"
import * as MaintenanceTables from "../../src/migration/MaintenanceTables.ts"
import { maintenanceLayer } from "./layer.ts"

export { index } from "./layer.ts"

type Service = Maintenance["Service"]

export interface Bench {
  readonly database: TestDatabase
  readonly admin: TestDatabase["admin"]
  readonly maintenance: Service
  readonly run: <A, E>(effect: Effect.Effect<A, E, Maintenance | Database>) => Promise<A>
  /** Another client: who is in the way. */
  readonly other: () => Promise<Awaited<ReturnType<typeof connect>>>
  readonly invalid: () => Promise<ReadonlyArray<string>>
  readonly close: () => Promise<void>
}

export const bench = async (
  options: MaintenanceOptions,
  statements: ReadonlyArray<string>,
  { install = true, oldest = false }: { readonly install?: boolean; readonly oldest?: boolean } = {}
): Promise<Bench> => {
  const database = await createTestDatabase({ template: false, oldest })
  for (const statement of statements) await database.admin(statement)
  const runtime = ManagedRuntime.make(maintenanceLayer(database.url, options))
  const run: Bench["run"] = (effect) => runtime.runPromise(effect)
  if (install) await run(MaintenanceTables.install)
  const clients: Array<Awaited<ReturnType<typeof connect>>> = []
  return {
    database,
    admin: database.admin,
    maintenance: await run(Maintenance),
    run,
    other: async () => {
      const client = await connect(database.url)
      clients.push(client)
      return client
    },
    invalid: async () =>
      (await database.admin("select indexrelid::regclass::text as name from pg_index where not indisvalid order by 1"))
        .map(({ name }) => String(name)),
    close: async () => {
      await Promise.all(clients.map((client) => client.end()))
      await runtime.dispose()
      await database.close()
    }
  }
}

/** Why it was refused. */
export const refusal = async (promise: Promise<unknown>): Promise<MaintenanceReason> => {
  const error: unknown = await promise.then(() => undefined, (error: unknown) => error)
  if (error instanceof MaintenanceError) return error.reason
  throw new Error("it was not refused by maintenance", { cause: error })
}

/** Waits until `holds`, at most 10 s. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error("it did not come about within 10 s")
}
