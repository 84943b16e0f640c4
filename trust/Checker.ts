/** Compares what the callers saw with what the table holds. Pure. */
import { type Operation, writes } from "./History.ts"

export interface Verdict {
  readonly operations: number
  readonly acknowledged: number
  readonly failed: number
  readonly unknown: number
  /** Acknowledged, and not there. */
  readonly lost: ReadonlyArray<string>
  /** There more than once. */
  readonly doubled: ReadonlyArray<string>
  /** Reported as failed, and there. */
  readonly lied: ReadonlyArray<string>
  /** The layer said what became of an unanswered COMMIT, and the table says otherwise. */
  readonly wrong: ReadonlyArray<string>
  /** There, and nobody wrote it. */
  readonly foreign: ReadonlyArray<string>
}

/** `rows` are the ids found in the table, repeated as often as they are there. */
export const check = (history: ReadonlyArray<Operation>, rows: Iterable<string>): Verdict => {
  const found = new Map<string, number>()
  for (const id of rows) found.set(id, (found.get(id) ?? 0) + 1)
  const lost: Array<string> = []
  const doubled: Array<string> = []
  const lied: Array<string> = []
  const wrong: Array<string> = []
  const counts = { ok: 0, failed: 0, unknown: 0 }
  for (const { completion, invocation } of history) {
    const times = found.get(invocation.id) ?? 0
    found.delete(invocation.id)
    // Without an outcome the caller does not know.
    counts[completion?.is ?? "unknown"]++
    if (!writes(invocation.kind)) continue
    if (times > 1) doubled.push(invocation.id)
    if (completion?.is === "ok" && times === 0) lost.push(invocation.id)
    if (completion?.is === "failed" && times > 0) lied.push(invocation.id)
    if (completion?.resolution === "committed" && times === 0) wrong.push(invocation.id)
    if (completion?.resolution === "aborted" && times > 0) wrong.push(invocation.id)
  }
  return {
    operations: history.length,
    acknowledged: counts.ok,
    failed: counts.failed,
    unknown: counts.unknown,
    lost,
    doubled,
    lied,
    wrong,
    foreign: [...found.keys()]
  }
}
