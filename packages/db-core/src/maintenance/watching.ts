/**
 * Watches a job on the session of its lock: progress, who is waited for, and whether somebody wants it to stop.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"
import { asBlockers, type BlockerRow, blockingSql } from "./blockers.ts"
import type { JobReport } from "./JobResult.ts"
import * as JobStore from "./JobStore.ts"
import { MaintenanceError } from "./MaintenanceError.ts"
import type { MaintenanceRequest } from "./MaintenanceRequest.ts"
import * as Progress from "./Progress.ts"
import type { RunnerSession } from "./RunnerLock.ts"
import type { Watch } from "./Watch.ts"

/** Between two looks at the progress views, in milliseconds. */
const watchInterval = 250

/** Progress is written down, and a wish to cancel read, at most this often. Milliseconds. */
const reportInterval = 1000

/** Hears of the job. */
export interface JobListener {
  /** It has the lock, and this is its id. */
  readonly begun: (id: string) => Effect.Effect<unknown>
  readonly progressed: (progress: Progress.Progress) => Effect.Effect<void>
  /** It has ended, however. Not told of one that ended before it had a plan. */
  readonly ended: (report: JobReport) => Effect.Effect<void>
}

/** Watches until it is interrupted; fails when the session of the lock is lost, or somebody wants the job to stop. */
export const watching = (
  runner: RunnerSession,
  watch: Watch,
  { action }: MaintenanceRequest,
  jobId: string,
  { progressed }: JobListener
): Effect.Effect<never, DbError | MaintenanceError> =>
  Effect.gen(function*() {
    let reportedAt = 0
    for (;;) {
      const { pids } = watch
      if (pids.length > 0) {
        const [rows, blocking] = yield* runner.ask((connection) =>
          Effect.all([
            Progress.read(connection, pids),
            connection.rows<BlockerRow & { readonly waiter: number }>(blockingSql, [pids.join()])
          ])
        )
        const waiters = Map.groupBy(blocking, ({ waiter }) => waiter)
        watch.heard(rows, new Map([...waiters].map(([pid, those]) => [pid, asBlockers(those)])))
      }
      const now = yield* Clock.currentTimeMillis
      const progress = watch.snapshot(now, "running")
      yield* progressed(progress)
      if (now - reportedAt >= reportInterval) {
        reportedAt = now
        const isUnwanted = runner.hasRecords
          ? yield* runner.ask((connection) => JobStore.report(connection, jobId, progress))
          : yield* Effect.as(runner.ask((connection) => connection.rows("select 1")), false)
        if (isUnwanted) return yield* MaintenanceError.of(action, { _tag: "Cancelled", jobId })
      }
      yield* Effect.sleep(watchInterval)
    }
  })
