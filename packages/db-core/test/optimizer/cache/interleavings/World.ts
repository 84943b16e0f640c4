/** One run of a scenario: a process, the database, those who read and write, and the clock. */
import { DbError } from "../../../../src/errors/DbError.ts"
import type { Run } from "./Enumeration.ts"
import { ModelDatabase } from "./ModelDatabase.ts"
import { Pending } from "./Pending.ts"
import { Process } from "./Process.ts"
import { type Promised, Promises } from "./Promises.ts"
import { Readers } from "./Readers.ts"
import { type Scenario, staleness } from "./Scenario.ts"
import type { Step } from "./Step.ts"
import { Writer } from "./Writer.ts"

/** Changes something of the process, to see what comes of it. */
export type Tampering = (process: Process) => void

const failed = DbError.of("ConnectionLost", "Unknown", "query", { message: "the poll was not answered" })

export class World implements Run {
  private readonly scenario: Scenario
  private readonly promises: Promises
  private readonly database = new ModelDatabase()
  private readonly pending = new Pending()
  private readonly process = new Process(this.database, this.pending)
  private readonly readers: Readers
  private readonly writer: Writer
  private readonly pauses: Array<number>
  private polls: number
  private failures: number
  private mayLoseLog: boolean
  private outsider: bigint | undefined

  /** With `only` no other promise is held against it. */
  constructor(scenario: Scenario, tamper?: Tampering, only?: Promised) {
    this.scenario = scenario
    const { database, process } = this
    const promises = this.promises = new Promises(staleness, only)
    this.readers = new Readers(
      scenario,
      process,
      promises,
      () => promises.hasAcknowledged("outsider") ? this.outsider : undefined
    )
    this.writer = new Writer(scenario.writer, database, process, promises)
    this.pauses = [...scenario.pauses ?? []]
    this.polls = scenario.polls ?? 0
    this.failures = scenario.failures ?? 0
    this.mayLoseLog = scenario.losesLog ?? false
    if (scenario.outsider === "running") {
      this.outsider = database.begin("outsider")
      // The next one has ended, so that snapshots name the first as running.
      database.rollback(database.begin("outsider"))
    }
    tamper?.(process)
    if (scenario.start !== "cold") this.prepare(scenario.start)
  }

  /** One poll, the texts learned, and the answers that are to be in the cache. */
  private prepare(start: "ready" | ReadonlyArray<"A" | "B">): void {
    const answerAll = () => {
      for (const question of this.pending) {
        question.see()
        question.answer()
      }
    }
    this.process.feed.touch()
    this.process.poll()
    answerAll()
    this.process.learn(this.scenario.writer !== undefined)
    if (start === "ready") return
    for (const key of start) {
      this.process.read(key, "bounded", undefined)
      answerAll()
    }
  }

  /** What comes after the last answer changes nothing that was promised. */
  isOver(): boolean {
    return this.readers.areDone
  }

  ended(): void {
    this.readers.ended()
  }

  outcome(): string {
    return this.promises.outcome
  }

  broken(): string | undefined {
    const { violation } = this.promises
    return violation === undefined ? undefined : `${violation.promise}: ${violation.text}`
  }

  steps(): ReadonlyArray<Step> {
    this.process.settle()
    return [...this.readers.steps(), ...this.questionSteps(), ...this.writer.steps(), ...this.otherSteps()]
  }

  private *questionSteps(): Generator<Step> {
    const isAlone = this.writer.isOver && !this.mayLoseLog &&
      (this.scenario.outsider === undefined || this.promises.hasAcknowledged("outsider"))
    for (const { answer, fail, key, label, see, state } of this.pending) {
      // Readers may wait for a poll, and go on in every way.
      const isPoll = key === undefined
      const [reads, writes] = isPoll
        ? [["clock"] as const, ["tables", "feed", "A", "B", "returned"] as const]
        : [["tables"] as const, [key, "returned"] as const]
      if (state === "seen") yield { label: `${label} is answered`, reads, writes, run: answer }
      else if (state === "cancelled") yield { label: `${label} has stopped`, reads, writes, run: answer }
      else {
        yield {
          label: `${label} takes its snapshot`,
          reads: ["writer", "outsider", ...isPoll ? ["log"] as const : []],
          writes: [],
          isAlone,
          run: see
        }
      }
      if (isPoll && this.failures > 0) {
        yield {
          label: `${label} fails`,
          reads,
          writes,
          run: () => {
            this.failures--
            fail(failed)
          }
        }
      }
    }
  }

  private *otherSteps(): Generator<Step> {
    const { database, process } = this
    if (this.scenario.outsider !== undefined && !this.promises.hasAcknowledged("outsider")) yield this.commitOutside
    if (this.polls > 0 && !process.isPolling) {
      yield {
        label: "the feed polls",
        reads: ["clock"],
        writes: ["feed"],
        run: () => {
          this.polls--
          process.poll()
        }
      }
    }
    const [pause] = this.pauses
    if (pause !== undefined) {
      yield {
        label: `${pause} ms pass`,
        // Those who lose patience with a poll go on without it.
        reads: ["tables"],
        writes: ["clock", "feed", "A", "B"],
        run: () => {
          this.pauses.shift()
          process.pause(pause)
        }
      }
    }
    if (this.mayLoseLog) {
      yield {
        label: "the change log is lost",
        reads: [],
        writes: ["log"],
        run: () => {
          this.mayLoseLog = false
          database.loseLog()
        }
      }
    }
  }

  private get commitOutside(): Step {
    return {
      // The earlier it is told of it the more is promised: what comes in between would only promise less.
      label: "the outsider's commit is visible and acknowledged",
      reads: ["clock"],
      writes: ["outsider", "acknowledged", ...this.outsider === undefined ? ["log"] as const : []],
      run: () => {
        this.outsider ??= this.database.begin("outsider")
        this.database.commit(this.outsider)
        this.promises.commits("outsider")
        this.promises.acknowledges("outsider", this.process.now)
      }
    }
  }
}
