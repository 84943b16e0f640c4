/** A cache as Drizzle's documentation writes one, on a Map in place of Keyv. */
import { Table } from "drizzle-orm"
import { getTableName, is } from "drizzle-orm"
import type { Cache, MutationOption } from "drizzle-orm/cache/core"

export type Moment = "get" | "put" | "invalidate"

/** Makes the store throw once told to. */
export interface Failing {
  at: Moment | undefined
}

const list = <A>(value: A | ReadonlyArray<A> | undefined): ReadonlyArray<A> =>
  value === undefined ? [] : Array.isArray(value) ? value as ReadonlyArray<A> : [value as A]

/** `Base` is the class of the version that will use it. */
export const makeMapCache = (Base: typeof Cache, failing: Failing): Cache => {
  const kept = new Map<string, Array<unknown>>()
  const keysOf = new Map<string, Set<string>>()
  const check = (moment: Moment) => {
    if (failing.at === moment) throw new Error(`the store failed in ${moment}`)
  }
  class MapCache extends Base {
    override strategy(): "all" {
      return "all"
    }
    override async get(key: string): Promise<Array<unknown> | undefined> {
      check("get")
      return kept.get(key)
    }
    override async put(key: string, response: Array<unknown>, tables: Array<string>): Promise<void> {
      check("put")
      kept.set(key, response)
      for (const table of tables) {
        const keys = keysOf.get(table) ?? new Set()
        keys.add(key)
        keysOf.set(table, keys)
      }
    }
    override async onMutate({ tables, tags }: MutationOption): Promise<void> {
      check("invalidate")
      for (const tag of list<string>(tags)) kept.delete(tag)
      for (const table of list<Table | string>(tables)) {
        const name = is(table, Table) ? getTableName(table) : table
        for (const key of keysOf.get(name) ?? []) kept.delete(key)
        keysOf.delete(name)
      }
    }
  }
  return new MapCache()
}
