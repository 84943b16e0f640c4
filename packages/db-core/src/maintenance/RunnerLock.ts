/**
 * One runner on a database: a session advisory lock on a session of its own, past the pooler, held for as long as it
 * works. The same session keeps the records and watches the others; when it is lost the lock is too, and the run ends.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { isHeld } from "../catalog/AdvisoryLock.ts"
import { isoInstant } from "../catalog/ServerFacts.ts"
import type { Direct } from "../connection/Direct.ts"
import type { Backend } from "../driver/Capabilities.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import * as JobStore from "./JobStore.ts"
import { type Action, MaintenanceError } from "./MaintenanceError.ts"

export interface RunnerSession {
  /** The session that holds the lock. On an embedded database the only one: work is done on it, too. */
  readonly isOnly: boolean
  /** Whether records are kept in this database. */
  readonly hasRecords: boolean
  /** Its own server process. */
  readonly pid: number
  /** Asks on the session of the lock. One question at a time. */
  readonly ask: <A, E, R>(use: (connection: WireConnection) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** A session for work, alone until the scope closes, and its server process. */
  readonly worker: Effect.Effect<Worker, DbError, Scope.Scope>
}

export interface Worker {
  readonly connection: WireConnection
  readonly pid: number
}

/**
 * How often a server looks whether its client is still there, in milliseconds: of a process that was killed a build
 * goes on until then. Postgres itself would never look (`client_connection_check_interval`).
 */
const clientCheckInterval = 1000

const run = (connection: WireConnection, sql: string): Effect.Effect<void, DbError> =>
  Effect.asVoid(connection.execute("raw", sql, [], false))

/** A question about the catalog takes milliseconds; one that waits behind a lock must not hold up the job for ever. */
const askTimeout = 30_000

/** A connection that has not answered the questions of one turn by now is given up. Milliseconds. */
const giveUpAfter = 120_000

/** `timeout` is for each statement, in milliseconds; 0 for work, which is ended by who started it. */
const prepare = (connection: WireConnection, timeout: number): Effect.Effect<number, DbError> =>
  Effect.gen(function*() {
    yield* run(connection, `set statement_timeout = ${timeout}`)
    yield* run(connection, "set idle_session_timeout = 0")
    // Not on every platform.
    yield* Effect.ignore(run(connection, `set client_connection_check_interval = ${clientCheckInterval}`))
    const [row] = yield* connection.rows<{ pid: number }>("select pg_backend_pid() as pid")
    return row?.pid ?? 0
  })

interface Runner {
  readonly pid: number
  readonly application: string | null
  readonly action: string | null
  readonly actor: string | null
  readonly jobId: string | null
  readonly since: string | null
}

const recorded = `j.action, j.actor, j.id::text as "jobId", ${
  isoInstant("coalesce(j.started_at, a.backend_start)")
} as since`
const unrecorded = `null::text as action, null::text as actor, null::text as "jobId", ${
  isoInstant("a.backend_start")
} as since`

/** Who holds the lock, by the server's own word; what it runs, by its record if it keeps one. */
const runnerOf = (
  connection: WireConnection,
  hasRecords: boolean
): Effect.Effect<Runner | undefined, DbError> =>
  Effect.map(
    connection.rows<Runner>(`
select l.pid, a.application_name::text as application, ${hasRecords ? recorded : unrecorded}
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
${
      hasRecords
        ? `left join ${JobStore.job} j on j.status = 'running' and j.pid = l.pid and j.started_at >= a.backend_start`
        : ""
    }
where ${isHeld("l", JobStore.lockKey)}
${hasRecords ? "order by j.started_at desc nulls last" : ""} limit 1`),
    ([row]) => row
  )

/**
 * Lends sessions for work that stay open from one step to the next: opening one takes longer than a small index. One
 * whose work failed is closed, whatever it was doing.
 */
const workers = (direct: Direct): Effect.Effect<RunnerSession["worker"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const runner = yield* Effect.scope
    const idle: Array<Worker & { readonly scope: Scope.Closeable }> = []
    const open = Effect.gen(function*() {
      const scope = yield* Scope.fork(runner)
      return yield* Effect.onError(
        Effect.flatMap(Scope.provide(direct.open, scope), (connection) =>
          Effect.map(prepare(connection, 0), (pid) => ({ connection, pid, scope }))),
        (cause) =>
          Scope.close(scope, Exit.failCause(cause))
      )
    })
    return Effect.acquireRelease(
      Effect.suspend(() => {
        const worker = idle.pop()
        if (worker === undefined || worker.connection.session.isLost) return open
        // Cleaning up sets another one.
        return Effect.as(run(worker.connection, "set statement_timeout = 0"), worker)
      }),
      (worker, exit) =>
        Effect.suspend(() => {
          if (Exit.isFailure(exit) || worker.connection.session.isLost) return Scope.close(worker.scope, exit)
          idle.push(worker)
          return Effect.void
        })
    )
  })

/** Fails with `RunnerBusy` when another process has the lock. */
export const acquire = (
  direct: Direct,
  backend: Backend,
  action: Action
): Effect.Effect<RunnerSession, DbError | MaintenanceError, Scope.Scope> =>
  Effect.gen(function*() {
    const connection = yield* direct.open
    const oneAtATime = yield* Semaphore.make(1)
    const giveUp = Effect.delay(connection.session.destroy, giveUpAfter)
    // Not to be interrupted: a CancelRequest that comes late would end the next question, which may be to clean up.
    const ask: RunnerSession["ask"] = (use) =>
      oneAtATime.withPermit(Effect.uninterruptible(Effect.flatMap(
        Effect.forkDetach(Effect.interruptible(giveUp)),
        (alarm) => Effect.ensuring(use(connection), Fiber.interrupt(alarm))
      )))
    const hasRecords = yield* JobStore.isInstalled(connection)
    if (backend === "embedded") {
      return { isOnly: true, hasRecords, pid: 0, ask, worker: Effect.succeed({ connection, pid: 0 }) }
    }
    const pid = yield* prepare(connection, askTimeout)
    // Of its records a crash of the server may take the last moments: work that is not noted is done again.
    yield* run(connection, "set synchronous_commit = off")
    // A runner that just ended may be gone when it is looked for: then it is free.
    for (let attempt = 0; attempt < 3; attempt++) {
      const [row] = yield* connection.rows<{ locked: boolean }>(
        `select pg_try_advisory_lock(${JobStore.lockKey}) as locked`
      )
      if (row?.locked === true) {
        // A session that is closed keeps its lock for a moment, in which the next runner would be refused.
        yield* Effect.addFinalizer(() =>
          connection.session.isLost
            ? Effect.void
            : Effect.ignore(ask((connection) => connection.rows(`select pg_advisory_unlock(${JobStore.lockKey})`)))
        )
        return { isOnly: false, hasRecords, pid, ask, worker: yield* workers(direct) }
      }
      const runner = yield* runnerOf(connection, hasRecords)
      if (runner !== undefined) {
        return yield* MaintenanceError.of(action, { _tag: "RunnerBusy", ...runner })
      }
    }
    return yield* MaintenanceError.of(action, {
      _tag: "RunnerBusy",
      pid: null,
      application: null,
      action: null,
      actor: null,
      jobId: null,
      since: null
    })
  })
