/**
 * Keeps what cannot be asked later: how large tables were, how far sequences and transaction ids had come, and how many
 * rows waited for VACUUM. `SampledRates.ts` makes rates of it.
 *
 * `migration/ObjectSamples.ts` makes the table. Every process may look: within the interval one of them does.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { Database, type TransactionHandle } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { Catalog } from "./Catalog.ts"
import { type Unavailable, unavailable } from "./CatalogQuery.ts"
import * as Store from "./objectSampleQueries.ts"
import type { ServerFacts } from "./ServerFacts.ts"

/** Between two looks, at least. Milliseconds: one hour. */
export const defaultInterval = 3_600_000

/** Every look of these days is kept, of each day before them the last. */
export const keptWholeDays = 2

export const keptDays = 90

/** Tables of one look, and as many sequences. */
export const mostObjects = 1000

export type Sampled =
  /** `objects`: figures that were kept. */
  | { readonly _tag: "Sampled"; readonly objects: number }
  /** `recent`: another look was less than the interval ago. `busy`: another process is at it. */
  | { readonly _tag: "Skipped"; readonly because: "recent" | "busy" }
  | { readonly _tag: "Unavailable"; readonly unavailable: Unavailable }

type Tx = Pick<TransactionHandle<Database["Service"]["relations"]>, "execute">

const first = <Row>(tx: Tx, statement: string): Effect.Effect<Row | undefined, DbError> =>
  Effect.map(
    tx.execute<Record<string, unknown>>(sql.raw(statement)),
    // What its columns are only the statement says: `Row` is that.
    ({ rows }) => (rows as ReadonlyArray<unknown> as ReadonlyArray<Row>)[0]
  )

const skipped = (because: "recent" | "busy"): Sampled => ({ _tag: "Skipped", because })

const missing = (because: Unavailable["because"], text: string): Sampled => ({
  _tag: "Unavailable",
  unavailable: unavailable(because, text)
})

const take = Effect.fnUntraced(function*(tx: Tx, server: ServerFacts, interval: number) {
  const access = yield* first<Store.Access>(tx, Store.access)
  if (access?.isPresent !== true) return missing("statistics", "nothing is kept here yet: run emsdb init")
  if (!access.mayWrite) return missing("privilege", "needs to write its samples: grant pg_read_all_stats")
  if ((yield* first<{ locked: boolean }>(tx, Store.lockSamples))?.locked !== true) return skipped("busy")
  const last = yield* first<{ elapsedMs: number | null }>(tx, Store.elapsedSince)
  if (last === undefined || (last.elapsedMs !== null && last.elapsedMs < interval)) return skipped("recent")
  const taken = yield* first<{ objects: number }>(tx, Store.takeSample(server, mostObjects))
  yield* tx.execute(sql.raw(Store.thin(keptWholeDays)))
  yield* tx.execute(sql.raw(Store.forget(keptDays)))
  return { _tag: "Sampled", objects: taken?.objects ?? 0 } satisfies Sampled
})

/**
 * Looks at every object once, in one transaction within `DbConfig.queryTimeout`. Does nothing when somebody did within
 * `intervalMs` (default 1 h).
 */
export const sample = Effect.fnUntraced(function*(
  { intervalMs = defaultInterval }: { readonly intervalMs?: number } = {}
): Effect.fn.Return<Sampled, DbError, Catalog | Database> {
  const catalog = yield* Catalog
  const database = yield* Database
  const server = yield* catalog.server
  if (server.isStandby) return missing("backend", "a standby cannot keep anything: ask its primary")
  return yield* database.transaction((tx) => take(tx, server, intervalMs))
})
