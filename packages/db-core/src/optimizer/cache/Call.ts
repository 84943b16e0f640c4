/**
 * What a call asks of the cache, checked and brought into the form that the hot path needs.
 */
import type { Declared } from "./Analysis.ts"
import type { Table, Tables } from "./Tables.ts"

/**
 * How fresh an answer must be. Own writes, those acknowledged through this process, are in it always.
 * - `bounded`: with every commit that anybody was told of more than `DbConfig.cacheStaleness` before the read.
 * - `strong`: with every commit that anybody was told of before the read. Costs a poll, shared by all who wait for one.
 * - `after`: as `bounded`, and with what this transaction did: an `xid8` as text, see `Optimizer.causal`.
 */
export type Consistency = "bounded" | "strong" | { readonly after: string }

export interface CacheOptions {
  /** Default `bounded`. */
  readonly consistency?: Consistency
  /** An answer is not kept for longer. Milliseconds, default and at most `DbConfig.cacheTtl`. */
  readonly ttl?: number
  /** Names by which answers can be invalidated, in this process. */
  readonly tags?: ReadonlyArray<string>
  /** Tables it reads besides those that Postgres names: what its functions read. */
  readonly tables?: ReadonlyArray<string>
  /**
   * Settings that row security depends on, such as `app.tenant`. They are set for the query, in a transaction, and
   * part of what an answer is kept under.
   */
  readonly scope?: Readonly<Record<string, string>>
}

export interface Call {
  readonly consistency: "bounded" | "strong"
  readonly after: bigint | undefined
  /** What the caller said, if it said something. */
  readonly ttl: number | undefined
  readonly maxAge: number
  readonly tags: ReadonlyArray<Table>
  readonly declared: Declared
  /** Name and value of each setting, by name. */
  readonly settings: ReadonlyArray<readonly [name: string, value: string]>
  /** Settings and tags, for the key. */
  readonly scopeKey: string
  readonly setSql: string
}

const none: Declared = { tables: [], settings: [] }

export const callOf = (options: CacheOptions | undefined, tables: Tables, defaultTtl: number): Call => {
  const { consistency = "bounded", scope, tables: declaredTables = [], tags = [], ttl } = options ?? {}
  const settings = scope === undefined
    ? []
    : Object.entries(scope).toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
  return {
    consistency: consistency === "strong" ? "strong" : "bounded",
    after: typeof consistency === "object" ? BigInt(consistency.after) : undefined,
    ttl,
    maxAge: Math.min(ttl ?? defaultTtl, defaultTtl),
    tags: tags.length === 0 ? [] : [...new Set(tags)].map((tag) => tables.tagged(tag)),
    declared: settings.length === 0 && declaredTables.length === 0
      ? none
      : { tables: declaredTables, settings: settings.map(([name]) => name) },
    settings,
    scopeKey: `${settings.map(([name, value]) => `${name.length}:${name}${value.length}:${value}`).join("")}\0${
      // Who asks with other tags gets an answer of its own: one that is invalidated by those.
      tags.map((tag) => `${tag.length}:${tag}`).join("")}\0`,
    setSql: `select ${settings.map((_, at) => `set_config($${at * 2 + 1}, $${at * 2 + 2}, true)`).join(", ")}`
  }
}
