/**
 * Removes what a failed, cancelled or killed step left: an index that no query uses and every write keeps.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"
import { type IndexState, indexStates } from "./IndexState.ts"
import type { Limits } from "./Limits.ts"
import { awaitFree } from "./LockWait.ts"
import { leavesIndex, type Step } from "./MaintenancePlan.ts"
import { qualified } from "./MaintenanceRequest.ts"
import type { RunnerSession, Worker } from "./RunnerLock.ts"

/** How long our own server process, told to stop, may take to do so. Milliseconds. */
const stopTimeout = 5000

/** Between two looks at it, in milliseconds. */
const interval = 100

/** Gives way to readers and writers: it takes the lock that holds up both. Milliseconds. */
const briefly = 500

const ofTable = (runner: RunnerSession, tableOid: number): Effect.Effect<ReadonlyArray<IndexState>, DbError> =>
  runner.ask((connection) =>
    Effect.map(
      // Asked several times in each step, and planning it takes longer than the answer: it stays prepared.
      connection.execute("raw", ofTableSql, [String(tableOid)]),
      // What its columns are only its text says.
      ({ rows }) => rows as ReadonlyArray<unknown> as ReadonlyArray<IndexState>
    )
  )

/** What `indexStates` reads of a server: nothing. Its text is the same on every one. */
const anyServer = {} as Parameters<typeof indexStates.sql>[0]

const ofTableSql = `select * from (${indexStates.sql(anyServer)}) i where "tableOid" = $1::text::float8`

/** The index that the step is about, as it is now. */
export const liveIndex = (
  runner: RunnerSession,
  { object, schema, tableOid }: Step
): Effect.Effect<IndexState | undefined, DbError> =>
  Effect.map(
    ofTable(runner, tableOid),
    (indexes) => indexes.find((index) => index.schema === schema && index.name === object)
  )

/** Postgres shortens the name of a twin so that its ending fits in 63 bytes. */
const isTwinOf = (index: IndexState, name: string): boolean => {
  const stem = index.name.replace(/_cc(?:new|old)\d*$/, "")
  return index.isLeftover && (stem === name || (index.name.length >= 60 && name.startsWith(stem)))
}

const leftBy = (step: Step, indexes: ReadonlyArray<IndexState>): ReadonlyArray<IndexState> =>
  indexes.filter((index) =>
    !index.isUsable && !index.isPartitioned && index.schema === step.schema &&
    (step.kind === "reindex" ? isTwinOf(index, step.object) : index.name === step.object)
  )

const stop = (runner: RunnerSession, step: Step, pid: number): Effect.Effect<void, DbError> =>
  Effect.gen(function*() {
    yield* runner.ask((connection) => connection.rows("select pg_cancel_backend($1::text::int4)", [String(pid)]))
    const until = (yield* Clock.currentTimeMillis) + stopTimeout
    while ((yield* Clock.currentTimeMillis) < until) {
      const indexes = yield* ofTable(runner, step.tableOid)
      if (!indexes.some(({ builder }) => builder === pid)) return
      yield* Effect.sleep(interval)
    }
  })

const drop = ({ connection }: Worker, sql: string, timeout: number): Effect.Effect<void, DbError> =>
  Effect.gen(function*() {
    yield* connection.execute("raw", `set statement_timeout = ${timeout}`, [], false)
    yield* connection.execute("raw", `set lock_timeout = ${timeout}`, [], false)
    yield* connection.execute("raw", sql, [], false)
  })

/**
 * Drops what `step` left, if nobody is in the way within `Limits.cleanupTimeout`; `pid` is the server process that had
 * worked on it. Returns what it had to leave, as `schema.name`. Never fails, and may run where nothing can interrupt.
 */
export const removeLeftovers = (
  runner: RunnerSession,
  step: Step,
  pid: number | undefined,
  limits: Limits
): Effect.Effect<ReadonlyArray<string>> => {
  if (!leavesIndex(step.kind)) return Effect.succeed([])
  const names = [`${step.schema}.${step.object}`]
  return Effect.gen(function*() {
    let indexes = yield* ofTable(runner, step.tableOid)
    if (pid !== undefined && indexes.some(({ builder }) => builder === pid)) {
      yield* stop(runner, step, pid)
      indexes = yield* ofTable(runner, step.tableOid)
    }
    const left = leftBy(step, indexes).filter(({ builder }) => builder === null)
    if (left.length === 0) return []
    const waits = { level: "ShareUpdateExclusive", holdersOf: "AccessExclusive", snapshots: false } as const
    const blockers = yield* awaitFree(runner, waits, step.tableOid, () => [], limits.cleanupTimeout / 2, () => {})
    if (blockers.length > 0) return left.map(qualified)
    return yield* Effect.scoped(Effect.gen(function*() {
      const worker = yield* runner.worker
      const kept: Array<string> = []
      for (const index of left) {
        yield* drop(worker, `drop index concurrently ${index.sql}`, limits.cleanupTimeout / 2).pipe(
          Effect.catch(() => drop(worker, `drop index ${index.sql}`, briefly)),
          Effect.catch(() => Effect.sync(() => kept.push(qualified(index))))
        )
      }
      return kept
    }))
  }).pipe(
    // The database cannot be asked: whether something is left is not known, and the next run looks.
    Effect.catch((error: DbError) =>
      Effect.as(Effect.logWarning("leftovers of maintenance were not removed", error.message), names)
    )
  )
}
