/** Reads through the cache, each once. */
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Process } from "./Process.ts"
import type { Promises } from "./Promises.ts"
import type { ReaderPlan, Scenario } from "./Scenario.ts"
import type { Step } from "./Step.ts"

interface Reader {
  readonly name: string
  readonly plan: ReaderPlan
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  isDone: boolean
  gaveUp: boolean
}

export class Readers {
  private readonly process: Process
  private readonly promises: Promises
  private readonly cause: () => bigint | undefined
  private readonly readers: ReadonlyArray<Reader>
  private interrupts: number

  /** `cause` is the transaction that reads with `after` ask for, once it is known. */
  constructor(
    { interrupts = 0, readers }: Scenario,
    process: Process,
    promises: Promises,
    cause: () => bigint | undefined
  ) {
    this.process = process
    this.promises = promises
    this.cause = cause
    this.interrupts = interrupts
    this.readers = readers.map((plan, at) => ({
      name: `reader ${at + 1} (${plan.key}, ${plan.level})`,
      plan,
      fiber: undefined,
      isDone: false,
      gaveUp: false
    }))
  }

  get areDone(): boolean {
    return this.readers.every(({ isDone }) => isDone)
  }

  *steps(): Generator<Step> {
    for (const [at, reader] of this.readers.entries()) {
      const { fiber, isDone, name, plan } = reader
      if (fiber === undefined) {
        const before = this.readers[at - 1]
        // Of two readers that do the same it does not matter which is the first.
        const isTwin = before !== undefined && before.fiber === undefined && before.plan.key === plan.key &&
          before.plan.level === plan.level
        if (isTwin || (plan.level === "after" && this.cause() === undefined)) continue
        yield {
          label: `${name} begins`,
          reads: ["clock", "tables", "returned", ...plan.level === "bounded" ? [] : ["acknowledged"] as const],
          // It may be answered at once.
          writes: [plan.key, "feed", "returned"],
          run: () => this.begin(reader)
        }
      } else if (!isDone && this.interrupts > 0) {
        yield {
          label: `${name} gives up`,
          reads: [],
          writes: [plan.key, "feed"],
          run: () => {
            this.interrupts--
            reader.gaveUp = true
            fiber.interruptUnsafe()
          }
        }
      }
    }
  }

  private begin(reader: Reader): void {
    const { name, plan } = reader
    const expected = this.promises.asks(plan.level, this.process.now)
    const fiber = this.process.read(plan.key, plan.level, this.cause())
    reader.fiber = fiber
    fiber.addObserver((exit) => {
      reader.isDone = true
      if (Exit.isSuccess(exit)) this.promises.answers(name, exit.value, expected)
      else if (!reader.gaveUp) this.promises.broken("unanswered", `${name} failed`)
    })
  }

  /** Nothing can happen any more. */
  ended(): void {
    for (const { fiber, isDone, name } of this.readers) {
      if (fiber !== undefined && !isDone) this.promises.broken("unanswered", `${name} waits for ever`)
    }
  }
}
