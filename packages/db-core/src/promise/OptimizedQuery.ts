/**
 * Reads through the query cache and writes that it knows of, for callers without Effect.
 */
import { is, type Table } from "drizzle-orm"
import { getTableConfig, PgTable } from "drizzle-orm/pg-core"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { type Run, runOf, settle } from "../driver/PromiseSession.ts"
import type { Optimizer, Query } from "../optimizer/Optimizer.ts"

/** A table of the schema, or its name: `users`, `public.users`. */
export type TableName = string | Table

export interface OptimizedQuery {
  /**
   * Runs the query that `use` builds, from memory where that is right. A function that does more than build one query
   * is run as it is, and not cached. What comes back may be shared with other callers, and is frozen.
   *
   * `table` is only what the call is about: the tables that count are those that Postgres finds in the query. `label`
   * is a name for people. With `useCache` false the database is asked.
   */
  readonly select: <A>(
    use: () => PromiseLike<A>,
    table: TableName,
    label?: string,
    useCache?: boolean
  ) => Promise<A>
  /**
   * Runs the statement that `use` builds; cached answers from before it are not used any more when this resolves. Of a
   * function that does more than build one statement it is `table` that counts as written.
   */
  readonly insert: <A>(use: () => PromiseLike<A>, table: TableName, label?: string) => Promise<A>
  readonly update: <A>(use: () => PromiseLike<A>, table: TableName, label?: string) => Promise<A>
  readonly delete: <A>(use: () => PromiseLike<A>, table: TableName, label?: string) => Promise<A>
}

export const nameOf = (table: TableName): string => {
  if (typeof table === "string") return table
  if (!is(table, PgTable)) return ""
  const { name, schema } = getTableConfig(table)
  return schema === undefined ? name : `${schema}.${name}`
}

export const makeOptimizedQuery = (
  optimizer: Optimizer["Service"],
  ttl: number,
  run: <A, E>(effect: Effect.Effect<A, E>) => Promise<Exit.Exit<A, unknown>>
): OptimizedQuery => {
  /** What a function rejects with is its caller's, as it is. */
  const opaquely = async <A>(started: PromiseLike<A>, writes?: ReadonlyArray<string>): Promise<A> => {
    const effect = Effect.promise(() =>
      Promise.resolve(started).then(
        (value) => ({ value }),
        (reason: unknown) => ({ reason })
      )
    )
    const found = settle(await run(optimizer.opaque(effect, writes)), "query")
    if ("reason" in found) throw found.reason
    return found.value
  }

  const write = <A>(use: () => PromiseLike<A>, table: TableName): Promise<A> => {
    const built = use()
    // A statement of ours is known when it is sent.
    return runOf(built) === undefined ? opaquely(built, [nameOf(table)]) : Promise.resolve(built)
  }

  return {
    select: async (use, _table, _label, useCache = true) => {
      const built = use()
      const where: Run | undefined = runOf(built)
      if (where === undefined) return opaquely(built)
      if (!useCache) return built
      // The promise API's queries are told by their text and mapper, as those of the Effect API are.
      const query = built as unknown as Query<Awaited<typeof built>>
      return settle(await where(optimizer.cached(query, { ttl })), "query")
    },
    insert: write,
    update: write,
    delete: write
  }
}
