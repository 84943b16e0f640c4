/**
 * The table that `bench --write` writes to: made for one run and dropped again, among the data layer's own records.
 *
 * A process that is killed drops nothing. So there is one name, which the next run clears, and a lock of a session says
 * that nobody uses it: with the process the lock is gone.
 */
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { internalSchema } from "@ems/db-core/catalog/internalSchema"
import { Database, type TransactionHandle } from "@ems/db-core/connection/Database"
import { DbError } from "@ems/db-core/errors/DbError"
import { sql } from "drizzle-orm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

export const tableName = `${internalSchema}.bench`

/** Advisory lock of the one that uses the table: the first eight bytes of SHA-256("ems bench"). */
const lockKey = "-6288487990378330710"

/** Of each client, so that none waits for another one's row. */
const rowsOfClient = 100

type Tx = Pick<TransactionHandle<Database["Service"]["relations"]>, "execute">

const drop = sql.raw(`drop table if exists ${tableName}`)

/** With room on each page for the next versions of its rows, as a table has that is updated all the time. */
const create = Effect.fnUntraced(function*(db: Tx, clients: number) {
  yield* db.execute(drop)
  yield* db.execute(
    sql.raw(`create table ${tableName} (id int4 primary key, value int8 not null) with (fillfactor = 50)`)
  )
  yield* db.execute(
    sql.raw(`insert into ${tableName} select id, 0 from generate_series(1, ${clients * rowsOfClient}) id`)
  )
})

const busy = DbError.of("LockTimeout", "NotSent", "bench", {
  message: "another emsdb bench --write is running on this database"
})

const left = Console.error(`emsdb: warning: ${tableName} could not be dropped; the next bench --write does it`)

/** The table is there while `use` runs, and gone when it ends, however it does. Fails with `LockTimeout` when it is in use. */
export const withBenchTable = Effect.fnUntraced(function*<A, E, R>(clients: number, use: Effect.Effect<A, E, R>) {
  const database = yield* Database
  const { backend } = yield* Catalog.use(({ server }) => server)
  const during = (run: <B, F>(work: (db: Tx) => Effect.Effect<B, F>) => Effect.Effect<B, F | DbError>) =>
    Effect.acquireUseRelease(
      run((db) => create(db, clients)),
      () => use,
      () => Effect.catch(run((db) => db.execute(drop)), () => left)
    )
  // There the one session is everybody's, and nobody else can be at it.
  if (backend === "embedded") return yield* during((work) => database.query(work))
  return yield* database.direct((db) =>
    Effect.gen(function*() {
      const { rows: [row] } = yield* db.execute<{ locked: boolean }>(
        sql.raw(`select pg_try_advisory_lock(${lockKey}) as locked`)
      )
      if (row?.locked !== true) return yield* busy
      return yield* during((work) => work(db))
    })
  )
})

/** One transaction of a client: a row of its own is written and read. Four round trips. */
export const transaction = Effect.fnUntraced(function*(client: number, nth: number) {
  const database = yield* Database
  const id = String(client * rowsOfClient + nth % rowsOfClient + 1)
  const table = sql.raw(tableName)
  yield* database.transaction((tx) =>
    Effect.andThen(
      tx.execute(sql`update ${table} set value = value + 1 where id = ${id}::text::int4`),
      tx.execute(sql`select value from ${table} where id = ${id}::text::int4`)
    )
  )
})
