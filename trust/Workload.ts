/** Callers in a loop: each writes down what it asks, asks, and writes down what it was told. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Contender, Moment, Outcome } from "./contenders/Contender.ts"
import { type HistoryWriter, type OperationKind, writes } from "./History.ts"
import { type Load, nobodyInterrupted, type Progress } from "./Protocol.ts"
import { random } from "./random.ts"
import type { Secrets } from "./Secrets.ts"
import type { Stalls } from "./Stalls.ts"

export interface WorkloadOptions {
  readonly contender: Contender
  readonly history: HistoryWriter
  readonly secrets: Secrets
  readonly stalls: Stalls
  /** Begins every id. */
  readonly prefix: string
  readonly deadlineMs: number
  readonly seed: number
}

/** An answer this long after the deadline is not waited for. */
const patienceMs = 1500

export class Workload {
  private readonly options: WorkloadOptions
  private readonly random: () => number
  private workers: Array<Promise<void>> = []
  private stopping = false
  private count = 0
  /** The last acknowledged row, for the reads. */
  private known = ""
  private readonly counts = { invoked: 0, pending: 0, ok: 0, failed: 0, unknown: 0, hung: 0 }
  readonly codes: Record<string, number> = {}
  overrunMs = 0
  lateMs = 0
  readonly interrupted = nobodyInterrupted()

  constructor(options: WorkloadOptions) {
    this.options = options
    this.random = random(options.seed)
  }

  get progress(): Progress {
    return { ...this.counts, interrupted: this.interrupted }
  }

  start(load: Load): void {
    this.stopping = false
    for (let worker = 0; worker < load.workers; worker++) this.workers.push(this.work(load, worker))
  }

  /** Resolves when every caller has its answer or has given up. */
  async stop(): Promise<void> {
    this.stopping = true
    await Promise.all(this.workers.splice(0))
  }

  private async work(load: Load, worker: number): Promise<void> {
    for (let n = worker; !this.stopping; n++) {
      const outcome = await this.operation(load, worker, load.kinds[n % load.kinds.length] ?? "insert")
      // A refusal comes back at once: without a pause a caller would do nothing but collect them.
      await sleep(outcome === "ok" ? load.pauseMs * 2 * this.random() : Math.max(5, load.pauseMs))
    }
  }

  private ask(kind: OperationKind, id: string, worker: number, signal: AbortSignal): Promise<unknown> {
    const { contender } = this.options
    switch (kind) {
      case "read":
        return contender.read(this.known)
      case "insert":
        return contender.insert({ id, worker }, signal)
      case "transaction":
        return contender.transaction({ id, worker }, signal)
      case "stream":
        return contender.stream?.(id, signal) ?? Promise.resolve()
    }
  }

  private async operation(load: Load, worker: number, kind: OperationKind): Promise<Outcome["is"]> {
    const { contender, deadlineMs, history, prefix, secrets, stalls } = this.options
    const id = `${prefix}:${worker}:${this.count++}`
    const abort = new AbortController()
    const interrupts = kind !== "read" && contender.interruptible && this.random() < load.interrupts
    const at = performance.now()
    history.invoke({ id, kind, worker, at })
    this.counts.invoked++
    this.counts.pending++
    const asked = (async () => this.ask(kind, id, worker, abort.signal))()
    const timer = new AbortController()
    const gaveUp = sleep(deadlineMs + patienceMs, "hung" as const, { signal: timer.signal }).catch(() =>
      "hung" as const
    )
    let moment: Moment | undefined
    if (interrupts) {
      void sleep(this.random() * load.spreadMs, undefined, { signal: timer.signal }).then(() => {
        moment = contender.moment?.(id)
        abort.abort()
      }, () => {})
    }
    const outcome: Outcome & { readonly hung?: boolean } = await Promise.race([
      asked.then(
        (): Outcome => ({ is: "ok" }),
        (error: unknown): Outcome => {
          const outcome = contender.outcome(error)
          secrets.error(outcome.code ?? "error", error)
          return outcome
        }
      ),
      gaveUp.then(() => ({ is: "unknown" as const, code: "no answer", hung: true }))
    ])
    timer.abort()
    const now = performance.now()
    const interrupted = abort.signal.aborted
    history.complete({
      id,
      at: now,
      ...outcome,
      ...(interrupted ? { interrupted } : {}),
      ...(moment === undefined ? {} : { moment })
    })
    this.counts.pending--
    this.counts[outcome.is]++
    if (outcome.is === "ok" && writes(kind)) this.known = id
    if (interrupted) this.interrupted[moment ?? "other"]++
    if (outcome.hung === true) this.counts.hung++
    if (outcome.is !== "ok" && !interrupted) {
      const code = `${outcome.is}: ${outcome.code ?? "?"}`
      this.codes[code] = (this.codes[code] ?? 0) + 1
    }
    const deadline = at + deadlineMs
    // A stream takes as long as its reader.
    if (now > deadline && kind !== "stream") {
      this.overrunMs = Math.max(this.overrunMs, now - deadline)
      // A timer cannot fire while the event loop stands still.
      this.lateMs = Math.max(this.lateMs, now - deadline - stalls.between(deadline, now))
    }
    return outcome.is
  }
}
