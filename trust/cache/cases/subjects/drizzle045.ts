/** drizzle-orm 0.45 on `pg`, with its cache. */
import { eq, exists, inArray, relations, sql } from "drizzle-orm-045"
import { Cache } from "drizzle-orm-045/cache/core"
import { drizzle } from "drizzle-orm-045/node-postgres"
import * as pg from "drizzle-orm-045/pg-core"
import type * as Newer from "drizzle-orm/cache/core"
import { type Db, type Kit, tablesOf, type Toolbox } from "../Drizzle.ts"
import type { Contestant } from "../Subject.ts"
import { makeSubject } from "./drizzle.ts"
import { type Failing, makeMapCache } from "./mapCache.ts"
import { openPool } from "./pool.ts"

// The functions that the cases use are called the same way in both versions; their types are not related.
const kit = { eq, exists, inArray, sql, pg } as unknown as Kit
const tables = tablesOf(kit)
const toolbox: Toolbox = { ...kit, ...tables }
const t = tables.t as unknown as pg.AnyPgTable & { readonly id: pg.AnyPgColumn }
const child = tables.child as unknown as pg.AnyPgTable & { readonly tId: pg.AnyPgColumn }
const schema = {
  t,
  child,
  tRelations: relations(t, ({ many }) => ({ children: many(child) })),
  childRelations: relations(child, ({ one }) => ({ t: one(t, { fields: [child.tId], references: [t.id] }) }))
}

export const drizzle045: Contestant = {
  name: "drizzle-0.45.4",
  immediate: false,
  mustServe: false,
  ours: false,
  open: async (options) => {
    const client = openPool(options)
    const failing: Failing = { at: undefined }
    // The same abstract class under the same name, declared once for each version.
    const cache = makeMapCache(Cache as unknown as typeof Newer.Cache, failing) as unknown as Cache
    return makeSubject({
      db: drizzle(client, { schema, cache }) as unknown as Db,
      plain: drizzle(client, { schema }) as unknown as Db,
      toolbox,
      failing,
      close: () => client.end()
    })
  }
}
