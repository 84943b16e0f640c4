/** What all runs together did, and whether that is enough to have shown anything. */
import { overrunOf } from "./Judge.ts"
import type { Result } from "./Run.ts"
import type { FaultKind, Scenario } from "./Scenario.ts"
import type { Answers } from "./Server.ts"

/** Total over the kinds: a new one that is never counted does not compile. */
const noFaults = (): Record<FaultKind, number> => ({
  cutRequest: 0,
  cutReply: 0,
  delayRequest: 0,
  delayReply: 0,
  loseRequest: 0,
  loseReply: 0,
  strand: 0,
  slow: 0,
  slice: 0,
  refuse: 0,
  fatal: 0,
  garbage: 0,
  restart: 0,
  crash: 0,
  connectRefused: 0,
  connectHang: 0,
  connectSlow: 0,
  connectFatal: 0,
  connectCut: 0,
  cancelLost: 0,
  cancelLate: 0
})

/** From so many runs on, everything must have happened at least once. */
const enoughRuns = 150

export class Totals {
  runs = 0
  operations = 0
  fewestOperations = Number.POSITIVE_INFINITY
  acknowledged = 0
  /** Ended as unknown, and not because the caller was interrupted. */
  unknown = 0
  interrupted = 0
  readonly failed = { refused: 0, notSent: 0, rolledBack: 0, byCaller: 0 }
  readonly flaws: Record<string, number> = {
    LOST: 0,
    DOUBLE: 0,
    LIED: 0,
    WRONG: 0,
    TORN: 0,
    HUNG: 0,
    LEAKED: 0,
    STUCK: 0,
    STRANGER: 0
  }
  readonly faults = noFaults()
  readonly answers: Answers = { committed: 0, aborted: 0, inProgress: 0, nothing: 0, terminated: 0 }
  statements = 0
  virtualMs = 0
  latestMs = 0

  add({ settings }: Scenario, result: Result): void {
    this.runs++
    this.operations += result.told.length
    this.fewestOperations = Math.min(this.fewestOperations, result.told.length)
    for (const told of result.told) {
      const { code = "", is } = told.outcome ?? { is: "unknown" as const }
      if (told.isInterrupted) this.interrupted++
      else if (told.operation.kind !== "stream") this.latestMs = Math.max(this.latestMs, overrunOf(told, settings))
      if (is === "ok") this.acknowledged++
      else if (is === "unknown") this.unknown += told.isInterrupted ? 0 : 1
      else if (code.startsWith("Refused")) this.failed.refused++
      else if (code.startsWith("NotSent")) this.failed.notSent++
      else if (code.startsWith("RolledBack")) this.failed.rolledBack++
      else this.failed.byCaller++
    }
    for (const flaw of result.flaws) {
      const name = flaw.split(" ")[0] ?? flaw
      this.flaws[name] = (this.flaws[name] ?? 0) + 1
    }
    for (const kind of Object.keys(this.faults) as Array<FaultKind>) this.faults[kind] += result.fired[kind] ?? 0
    for (const kind of Object.keys(this.answers) as Array<keyof Answers>) this.answers[kind] += result.answers[kind]
    this.statements += result.executed
    this.virtualMs += result.elapsed
  }

  /** Why these runs prove nothing; none when they do. */
  vacuous(leastOperations: number): ReadonlyArray<string> {
    if (this.runs === 0) return ["nothing ran"]
    const problems: Array<string> = []
    if (this.fewestOperations < leastOperations) problems.push(`a run with ${this.fewestOperations} operations`)
    if (this.runs < enoughRuns) return problems
    const must: Record<string, number> = {
      ...this.faults,
      unknown: this.unknown,
      interrupted: this.interrupted,
      "resolved as committed": this.answers.committed,
      "resolved as aborted": this.answers.aborted,
      "asked while in progress": this.answers.inProgress
    }
    for (const [name, count] of Object.entries(must)) if (count === 0) problems.push(`never: ${name}`)
    return problems
  }

  get json(): Readonly<Record<string, unknown>> {
    const { flaws } = this
    return {
      operations: this.operations,
      acknowledged: this.acknowledged,
      unknown: this.unknown,
      ...this.failed,
      interrupted: this.interrupted,
      lost: flaws["LOST"],
      doubled: flaws["DOUBLE"],
      lied: flaws["LIED"],
      wrong: flaws["WRONG"],
      torn: flaws["TORN"],
      hung: flaws["HUNG"],
      leaked: flaws["LEAKED"],
      stuck: flaws["STUCK"],
      strangersCancelled: flaws["STRANGER"],
      faults: this.faults,
      resolver: this.answers,
      statements: this.statements,
      latestMs: Math.round(this.latestMs),
      virtualHours: Math.round(this.virtualMs / 36_000) / 100
    }
  }
}
