/**
 * Runs one step: waits for who is in the way, works on a session of its own, removes what a failure left, tries again,
 * and looks at what came of it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { ServerFacts } from "../catalog/ServerFacts.ts"
import { DbError } from "../errors/DbError.ts"
import type { StepOutcome } from "./JobResult.ts"
import { liveIndex, removeLeftovers } from "./Leftovers.ts"
import type { Limits } from "./Limits.ts"
import { awaitFree } from "./LockWait.ts"
import { type Action, type Blocker, MaintenanceError } from "./MaintenanceError.ts"
import { leavesIndex, type Step, waitsOf } from "./MaintenancePlan.ts"
import type { RunnerSession } from "./RunnerLock.ts"
import { judge, tableOf } from "./StepJudgement.ts"
import type { Watch } from "./Watch.ts"

export interface StepContext {
  readonly runner: RunnerSession
  readonly server: ServerFacts
  readonly action: Action
  readonly limits: Limits
  readonly watch: Watch
}

/** Longest wait between two attempts, in milliseconds. */
const longestDelay = 10_000

/** Another attempt may succeed: nothing is wrong with the statement. */
const isWorthRetrying = ({ reason }: DbError): boolean => reason._tag === "LockTimeout" || reason._tag === "Deadlock"

/** What is to be run now: an attempt before may have done the first part, or somebody else all of it. */
const statementsNow = (
  context: StepContext,
  step: Step
): Effect.Effect<{ readonly statements: ReadonlyArray<string>; readonly note: string | null }, DbError> =>
  Effect.gen(function*() {
    if (step.kind !== "create-index" && step.kind !== "rebuild-index" && step.kind !== "drop-index") {
      return { statements: step.statements, note: null }
    }
    const live = yield* liveIndex(context.runner, step)
    if (step.kind === "drop-index") {
      return live === undefined
        ? { statements: [], note: "it was gone" }
        : { statements: step.statements, note: null }
    }
    const create = step.statements.slice(-1)
    if (live === undefined) return { statements: create, note: null }
    if (step.kind === "create-index" && live.isUsable) return { statements: [], note: "somebody else had built it" }
    return { statements: [`drop index concurrently ${live.sql}`, ...create], note: null }
  })

interface Attempt {
  readonly error: DbError | undefined
  readonly blockers: ReadonlyArray<Blocker>
  readonly left: ReadonlyArray<string>
  readonly note: string | null
}

const succeeded = (note: string | null): Attempt => ({ error: undefined, blockers: [], left: [], note })

const lockTimeoutOf = ({ limits }: StepContext, { lock }: Step): number =>
  lock === "AccessExclusive" ? limits.exclusiveLockTimeout : limits.lockTimeout

/** One attempt. Fails for good with what another one would fail with too. */
const attempt = (context: StepContext, step: Step, at: number): Effect.Effect<Attempt, DbError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const { limits, runner, watch } = context
      const lockTimeout = lockTimeoutOf(context, step)
      let pid: number | undefined
      const work = Effect.gen(function*() {
        watch.says(at, "waiting for other sessions")
        const blockers = yield* awaitFree(
          runner,
          waitsOf[step.kind],
          step.tableOid,
          () => watch.pids,
          lockTimeout,
          (blockers) => watch.says(at, "waiting for other sessions", blockers)
        )
        if (blockers.length > 0) {
          return yield* DbError.of("LockTimeout", "NotSent", "maintenance", {
            message: "transactions that began before it did not end in time"
          })
        }
        const { note, statements } = yield* statementsNow(context, step)
        if (statements.length === 0) return note
        const worker = yield* runner.worker
        pid = worker.pid
        if (!runner.isOnly) {
          yield* worker.connection.execute("raw", `set lock_timeout = ${Math.ceil(lockTimeout)}`, [], false)
        }
        watch.works(at, runner.isOnly ? undefined : pid)
        watch.says(at, "starting")
        for (const statement of statements) yield* worker.connection.execute("raw", statement, [], false)
        return note
      }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => watch.works(at, undefined))))
      const exit = yield* Effect.exit(restore(work))
      if (Exit.isSuccess(exit)) return succeeded(exit.value)
      const blockers = watch.blockersOf(at)
      watch.says(at, "removing what was left", blockers)
      const left = yield* removeLeftovers(runner, step, pid, limits)
      watch.leaves(at, left)
      const error = Option.getOrUndefined(Exit.findErrorOption(exit))
      if (error !== undefined && isWorthRetrying(error) && !Cause.hasInterrupts(exit.cause)) {
        return { error, blockers, left, note: null }
      }
      if (left.length > 0) yield* Effect.logWarning("an invalid index was left; the next run removes it", left)
      return yield* Effect.failCause(exit.cause)
    })
  )

/** Runs step number `at`, from 0. Fails with `LockTimeout` when others were in the way each time. */
export const runStep = (
  context: StepContext,
  step: Step,
  at: number
): Effect.Effect<StepOutcome, DbError | MaintenanceError> =>
  Effect.gen(function*() {
    const { action, limits } = context
    const startedAt = yield* Clock.currentTimeMillis
    const before = leavesIndex(step.kind) ? undefined : yield* tableOf(context, step)
    for (let count = 1;; count++) {
      const tried = yield* attempt(context, step, at)
      const durationMs = (yield* Clock.currentTimeMillis) - startedAt
      if (tried.error === undefined) {
        const judged = yield* judge(context, step, before)
        return { ...judged, note: tried.note ?? judged.note, durationMs, attempts: count }
      }
      if (count >= limits.attempts) {
        return yield* MaintenanceError.of(action, {
          _tag: "LockTimeout",
          object: `${step.schema}.${step.object}`,
          attempts: count,
          waitedMs: durationMs,
          blockers: tried.blockers,
          left: tried.left
        })
      }
      const jitter = yield* Random.nextBetween(0.5, 1.5)
      yield* Effect.sleep(Math.min(longestDelay, limits.retryDelay * 2 ** (count - 1)) * jitter)
    }
  })
