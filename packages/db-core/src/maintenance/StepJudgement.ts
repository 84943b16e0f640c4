/**
 * What a statement did, by the statistics and sizes before and after: VACUUM and ANALYZE report success for what they
 * skipped, and VACUUM for rows that it had to leave.
 */
import * as Effect from "effect/Effect"
import type { ServerFacts } from "../catalog/ServerFacts.ts"
import { type XminHolder, xminHorizon } from "../catalog/xminHorizon.ts"
import type { DbError } from "../errors/DbError.ts"
import type { StepOutcome } from "./JobResult.ts"
import { liveIndex } from "./Leftovers.ts"
import type { Step } from "./MaintenancePlan.ts"
import type { RunnerSession } from "./RunnerLock.ts"
import { type TableState, tableStates } from "./TableState.ts"

/** Who looks, and at which server. */
interface Looking {
  readonly runner: RunnerSession
  readonly server: ServerFacts
}

/** Holders of the horizon that are named. */
const mostHolders = 3

/** The table of a step, as it is now. */
export const tableOf = ({ runner, server }: Looking, step: Step): Effect.Effect<TableState | undefined, DbError> =>
  Effect.map(
    runner.ask((connection) =>
      connection.rows<TableState>(
        `select * from (${tableStates.sql(server)}) t where oid = $1::text::float8`,
        [String(step.tableOid)]
      )
    ),
    ([row]) => row
  )

const holders = ({ runner, server }: Looking): Effect.Effect<StepOutcome["heldBackBy"], DbError> =>
  Effect.map(
    runner.ask((connection) => connection.rows<XminHolder>(xminHorizon.sql(server))),
    (rows) =>
      rows.filter(({ isElsewhere, kind, name }) =>
        !isElsewhere && kind !== "slot-catalog" && name !== String(runner.pid)
      ).slice(0, mostHolders).map(({ detail, heldMs, kind, name }) => ({ kind, name, detail, heldMs }))
  )

/** What the statement did, by the statistics and sizes before and after. */
export const judge = (
  context: Looking,
  step: Step,
  before: TableState | undefined
): Effect.Effect<Omit<StepOutcome, "durationMs" | "attempts">, DbError> =>
  Effect.gen(function*() {
    const sizes = { bytesBefore: 0, bytesAfter: 0, removedRows: 0, keptRows: 0, heldBackBy: [] }
    if (step.kind !== "vacuum" && step.kind !== "vacuum-full" && step.kind !== "analyze") {
      const live = yield* liveIndex(context.runner, step)
      const bytesBefore = step.kind === "reindex" ? step.diskBytes : 0
      const isBroken = live?.isUsable === false
      return {
        ...sizes,
        outcome: isBroken ? "nothing" : "done",
        bytesBefore,
        bytesAfter: live?.bytes ?? 0,
        note: isBroken ? "the server reported success, and left the index unusable" : null
      }
    }
    const after = yield* tableOf(context, step)
    if (before === undefined || after === undefined) {
      return { outcome: "nothing", ...sizes, note: "the table was dropped meanwhile" }
    }
    const bytes = { bytesBefore: before.tableBytes, bytesAfter: after.tableBytes }
    // Postgres only warns of what it skips. VACUUM FULL is not counted (before 18), and always fails or works.
    const isCounted = step.kind === "analyze"
      ? after.analyzes > before.analyzes
      : step.kind === "vacuum-full" || after.vacuums > before.vacuums
    // Of a partitioned table only its partitions are counted.
    if (!isCounted && !context.runner.isOnly && !before.isPartitioned) {
      return {
        ...sizes,
        ...bytes,
        outcome: "nothing",
        note: `the server skipped it: ${context.server.role} may not, or the statistics are off`
      }
    }
    if (step.kind !== "vacuum") return { ...sizes, ...bytes, outcome: "done", note: null }
    const keptRows = after.deadRows
    const removedRows = Math.max(0, before.deadRows - keptRows)
    if (keptRows === 0) return { ...sizes, ...bytes, removedRows, outcome: "done", note: null }
    const heldBackBy = yield* holders(context)
    return {
      ...bytes,
      removedRows,
      keptRows,
      heldBackBy,
      outcome: removedRows === 0 ? "nothing" : "partly",
      note: `${keptRows} dead rows are kept because of ${
        heldBackBy.length === 0
          ? "a transaction that has ended since"
          : heldBackBy.map(({ detail, heldMs, kind, name }) =>
            `${kind === "session" ? "pid" : kind} ${name} (${detail ?? "state unknown"}${
              heldMs === null ? "" : ` since ${Math.round(heldMs / 1000)} s`
            })`
          ).join(", ")
      }`
    }
  })
