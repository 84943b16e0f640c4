/** The loops of a process: each pauses, calls, and notes what it was told, until it is stopped. */
import { setTimeout as sleep } from "node:timers/promises"
import { codeOf } from "../../contenders/Contender.ts"
import { random } from "../../random.ts"
import type { LogWriter } from "./Log.ts"
import { monotonic } from "./Monotonic.ts"
import { type Acked, type Report, say } from "./Protocol.ts"

export class Callers {
  readonly log: LogWriter
  readonly random: () => number
  private readonly errors: Record<string, number> = {}
  private reads = 0
  private writes = 0
  private working = new AbortController()
  private loops: ReadonlyArray<Promise<void>> = []

  constructor(log: LogWriter, seed: number) {
    this.log = log
    this.random = random(seed)
  }

  pick<A>(values: ReadonlyArray<A>): A {
    // There is one: the index is below the length.
    return values[Math.floor(this.random() * values.length)]!
  }

  /** Each of them is called again and again, after a pause of `pauseMs` on average. */
  start(loops: ReadonlyArray<{ readonly pauseMs: number; readonly call: () => Promise<void> }>): void {
    const { signal } = this.working = new AbortController()
    this.loops = loops.map(async ({ call, pauseMs }) => {
      while (!signal.aborted) {
        await sleep(pauseMs * 2 * this.random(), undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        try {
          await call()
        } catch (error) {
          const code = codeOf(error)
          this.errors[code] = (this.errors[code] ?? 0) + 1
        }
      }
    })
  }

  async stop(): Promise<void> {
    this.working.abort()
    await Promise.all(this.loops)
  }

  read(event: Parameters<LogWriter["read"]>[0]): void {
    this.reads++
    this.log.read(event)
  }

  /**
   * Notes a write. `write` says through `sending` what it is about to commit, where it knows that before; with what it
   * resolves it has been acknowledged.
   */
  async write(
    key: number,
    write: (sending: (version: number) => void) => Promise<Omit<Acked, "key"> | undefined>
  ): Promise<void> {
    let sent = monotonic()
    let sending: number | undefined
    try {
      const commit = await write((version) => {
        sending = version
        sent = monotonic()
      })
      const acked = monotonic()
      if (commit === undefined) return
      this.writes++
      this.log.write({ key, version: commit.version, sent, acked })
      say({ did: "acked", key, ...commit })
    } catch (error) {
      // It may be committed, and nobody was told.
      if (sending !== undefined) this.log.write({ key, version: sending, sent, acked: Number.POSITIVE_INFINITY })
      throw error
    }
  }

  get report(): Omit<Report, "counts" | "unhandled"> {
    return { reads: this.reads, writes: this.writes, errors: this.errors }
  }
}
