/** The catalog's indexes on the demo: dropped, built by us, by a plain client, and counted. */
import { createIndexText } from "@ems/db-core/catalog/IndexDefinition"
import * as DbCore from "@ems/db-core/DbCore"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import { withClient } from "@ems/db-testing/Admin"
import { indexCatalog, relations } from "@ems/schema"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Demo } from "./Demo.ts"

const names = indexCatalog.map(({ name }) => `'${name}'`).join()

export const drop = ({ sql }: Demo): Promise<void> =>
  sql(...indexCatalog.map(({ name }) => `drop index if exists ${name}`), "checkpoint")

const counted = (condition: string) =>
  `select count(*) as n from pg_index i join pg_class c on c.oid = i.indexrelid
   where i.indrelid in (select conrelid from pg_constraint where contype = 'p') and ${condition}`

/** Of the catalog, and usable. */
export const usable = ({ count }: Demo): Promise<number> => count(counted(`i.indisvalid and c.relname in (${names})`))

/** Of any name: what builds that did not end left behind. */
export const invalid = ({ count }: Demo): Promise<number> => count(counted("not i.indisvalid"))

/** Seconds that `createIndexes` takes, so many tables at a time. */
export const openOurs = (url: string) => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, { url }, { indexes: indexCatalog }))
  return {
    build: async (parallel: 1 | 2): Promise<number> => {
      const began = performance.now()
      const { steps } = await runtime.runPromise(
        Maintenance.use((maintenance) => maintenance.run({ action: "createIndexes", parallel }))
      )
      if (steps.some(({ outcome }) => outcome !== "done")) throw new Error("a step was not done")
      return (performance.now() - began) / 1000
    },
    close: () => Effect.runPromise(runtime.disposeEffect)
  }
}

/** The same statements one after the other by a client that does nothing else. */
export const buildPlainly = (url: string): Promise<number> =>
  withClient(url, async (client) => {
    const began = performance.now()
    for (const definition of indexCatalog) await client.query(createIndexText(definition, { concurrently: true }))
    return (performance.now() - began) / 1000
  })
