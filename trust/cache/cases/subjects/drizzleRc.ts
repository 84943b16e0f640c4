/** drizzle-orm 1.0 (release candidate) on `pg`, with its cache or without any. */
import { defineRelations, eq, exists, inArray, sql } from "drizzle-orm"
import { Cache } from "drizzle-orm/cache/core"
import { drizzle } from "drizzle-orm/node-postgres"
import * as pg from "drizzle-orm/pg-core"
import { type Db, type Kit, tablesOf, type Toolbox } from "../Drizzle.ts"
import type { Contestant } from "../Subject.ts"
import { makeSubject } from "./drizzle.ts"
import { type Failing, makeMapCache } from "./mapCache.ts"
import { openPool } from "./pool.ts"

const kit: Kit = { eq, exists, inArray, sql, pg }
const tables = tablesOf(kit)
export const toolbox: Toolbox = { ...kit, ...tables }
export const relations = defineRelations({ t: tables.t, child: tables.child }, (r) => ({
  t: { children: r.many.child({ from: r.t.id, to: r.child.tId }) }
}))

const make = (name: string, cached: boolean): Contestant => ({
  name,
  immediate: !cached,
  mustServe: false,
  ours: false,
  open: async (options) => {
    const client = openPool(options)
    const failing: Failing | undefined = cached ? { at: undefined } : undefined
    const plain: Db = drizzle({ client, relations })
    return makeSubject({
      db: failing === undefined ? plain : drizzle({ client, relations, cache: makeMapCache(Cache, failing) }),
      plain,
      toolbox,
      failing,
      close: () => client.end()
    })
  }
})

export const drizzleRc = make("drizzle-1.0-rc.5", true)

/** Shows that the cases are right: whoever always asks the database must pass every one that is about its answers. */
export const noCache = make("no cache", false)
