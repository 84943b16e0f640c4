/**
 * One runner at a time, whatever process it is in: a lock of the session that then runs everything, so that whoever
 * loses the session has lost the lock, too.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { isHeld } from "../../catalog/AdvisoryLock.ts"
import { isoInstant } from "../../catalog/ServerFacts.ts"
import type { Handle } from "../../connection/Database.ts"
import { DbError } from "../../errors/DbError.ts"

type Db = Handle<AnyRelations>

/** The same for every runner: the first eight bytes of SHA-256("ems migrate"). */
const lockKey = "4170327934511827207"
const key = sql.raw(lockKey)

/**
 * Between two tries, varied by half: a fortieth of a second doubling to a quarter. Asked rather than waited for: a
 * session that waits in the server for hours is one that a firewall forgets.
 */
const pollEvery = { first: 25, last: 250 }

interface Holder extends Record<string, unknown> {
  readonly pid: number
  readonly application: string
  readonly since: string
}

const holder = (db: Db) =>
  Effect.map(
    db.execute<Holder>(sql.raw(`
select l.pid, coalesce(a.application_name, '') as application, ${isoInstant("a.backend_start")} as since
from pg_locks l left join pg_stat_activity a on a.pid = l.pid
where ${isHeld("l", lockKey)}`)),
    ({ rows: [row] }) => row
  )

const said = (found: Holder | undefined): string =>
  found === undefined
    ? "another runner has just ended"
    : `another runner is at it: process ${found.pid} (${
      found.application || "without a name"
    }), connected since ${found.since}`

/**
 * Runs `use` while this session has the lock. Waits at most `wait` milliseconds for another runner; fails with
 * `LockTimeout`, which says who that is.
 */
export const exclusively = <A, E, R>(db: Db, wait: number, use: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const begin = yield* Clock.currentTimeMillis
    let isTold = false
    for (let pause = pollEvery.first;; pause = Math.min(2 * pause, pollEvery.last)) {
      const { rows: [row] } = yield* db.execute<{ granted: boolean }>(
        sql`select pg_try_advisory_lock(${key}) as granted`
      )
      if (row?.granted === true) break
      const other = yield* holder(db)
      if ((yield* Clock.currentTimeMillis) - begin >= wait) {
        return yield* DbError.of("LockTimeout", "NotSent", "migrate", { message: said(other) })
      }
      if (!isTold) yield* Effect.logInfo(`${said(other)}; waiting for it`)
      isTold = true
      yield* Effect.sleep(pause * (0.5 + (yield* Random.next)))
    }
    // The one session of an embedded database stays.
    return yield* Effect.ensuring(use, Effect.ignore(db.execute(sql`select pg_advisory_unlock(${key})`)))
  })
