/** One direction of a relay: delivers in order, late by `latencyMs`, and holds everything while frozen. */
import { setTimeout as sleep } from "node:timers/promises"
import type { NeonFault } from "./NeonFault.ts"

export class Leg {
  private readonly queue: Array<{ readonly chunk: Buffer; readonly due: number }> = []
  private draining = false
  private closed = false
  private readonly fault: NeonFault
  private readonly latency: () => number
  private readonly deliver: (chunk: Buffer) => void

  constructor(fault: NeonFault, latency: () => number, deliver: (chunk: Buffer) => void) {
    this.fault = fault
    this.latency = latency
    this.deliver = deliver
  }

  push(chunk: Buffer): void {
    const latency = this.latency()
    // The common case without faults must not wait for a timer, or every measurement would be of the timer.
    if (!this.draining && latency === 0 && !this.fault.freeze) return this.deliver(chunk)
    this.queue.push({ chunk, due: Date.now() + latency })
    if (!this.draining) void this.drain()
  }

  close(): void {
    this.closed = true
    this.queue.length = 0
  }

  private async drain(): Promise<void> {
    this.draining = true
    for (;;) {
      while (this.fault.freeze && !this.closed) await sleep(5)
      const next = this.queue[0]
      if (next === undefined) break
      const early = next.due - Date.now()
      if (early > 0) {
        await sleep(early)
        continue
      }
      this.queue.shift()
      this.deliver(next.chunk)
    }
    this.draining = false
  }
}
