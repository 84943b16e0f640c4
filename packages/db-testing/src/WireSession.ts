/** One connection through the wire proxy: two directions, each cut into messages that the plan's rules see. */
import type * as net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { parseError, typeOf } from "./Wire.ts"
import { query, type WireAction, type WirePlan, type WireStats } from "./WireFault.ts"
import { WireFraming } from "./WireFraming.ts"

export interface WireSessionOptions {
  readonly client: net.Socket
  readonly server: net.Socket
  readonly plan: WirePlan
  readonly stats: WireStats
  readonly number: number
  readonly onClose: () => void
}

const isFatal = (bytes: Buffer): boolean => typeOf(bytes) === "E" && parseError(bytes.subarray(5)).severity === "FATAL"

/** One direction: frames wait here for their turn, so what is held or late keeps its order. */
interface Direction {
  readonly from: "client" | "server"
  readonly to: net.Socket
  readonly queue: Array<Buffer>
  draining: boolean
  muted: boolean
  held: boolean
  /** The sender has closed; the close follows what waits. */
  ended: boolean
}

export class WireSession {
  private readonly options: WireSessionOptions
  private readonly framing: WireFraming
  private readonly fromClient: Direction
  private readonly fromServer: Direction
  private closed = false

  constructor(options: WireSessionOptions) {
    this.options = options
    this.framing = new WireFraming(options.number, () => options.stats.cancelRequests++)
    const direction = (from: "client" | "server"): Direction => ({
      from,
      to: from === "client" ? options.server : options.client,
      queue: [],
      draining: false,
      muted: false,
      held: false,
      ended: false
    })
    this.fromClient = direction("client")
    this.fromServer = direction("server")
    for (const way of [this.fromClient, this.fromServer]) {
      const source = way.from === "client" ? options.client : options.server
      source.on("data", (chunk: Buffer) => {
        way.queue.push(...this.framing.split(way.from, chunk))
        void this.drain(way)
      })
      source.on("error", () => {})
      source.on("end", () => {
        way.ended = true
        void this.drain(way)
      })
      // A reset is not delivered in order: the other side learns of it at once, unless nothing may pass.
      source.on("close", () => {
        way.ended = true
        void this.drain(way)
      })
    }
  }

  /** Ends both sides: `reset` as a crash does, `end` as an orderly close. */
  cut(how: "reset" | "end"): void {
    if (this.closed) return
    this.closed = true
    this.options.stats.cuts++
    for (const socket of [this.options.client, this.options.server]) {
      if (how === "reset") socket.resetAndDestroy()
      else socket.end(() => socket.destroy())
    }
    this.options.onClose()
  }

  /** Lets held directions go on. */
  heal(): void {
    for (const way of [this.fromClient, this.fromServer]) {
      way.held = false
      // A stream with a hole in it cannot be continued.
      if (way.muted) return this.cut("reset")
    }
  }

  private async drain(way: Direction): Promise<void> {
    if (way.draining) return
    way.draining = true
    const { plan, stats } = this.options
    while (!this.closed) {
      if ((plan.hold || way.held) && (way.queue.length > 0 || way.ended)) {
        stats.fired++
        while ((plan.hold || way.held) && !this.closed) await sleep(3)
        continue
      }
      const bytes = way.queue.shift()
      if (bytes === undefined) break
      const foreign = way.from === "server" && this.framing.foreign && !isFatal(bytes)
      const frame = this.framing.describe(way.from, bytes)
      if (foreign) continue
      if (way.from === "client") stats.framesFromClient++
      else stats.framesFromServer++
      if (way.muted || plan.mute === "both" || plan.mute === way.from) {
        way.muted = true
        stats.fired++
        continue
      }
      if (plan.delayMs > 0) await this.pause(plan.delayMs)
      const rule = plan.rules.find((rule) => {
        if (rule.fired >= (rule.times ?? Infinity) || !rule.match(frame)) return false
        return rule.matched++ % ((rule.spare ?? 0) + 1) === 0
      })
      if (rule === undefined) await this.send(way, bytes)
      else {
        rule.fired++
        stats.fired++
        await this.act(way, bytes, rule.action)
      }
    }
    way.draining = false
    // What a mute has lost includes the close: the other side hears nothing.
    if (way.ended && !this.closed && !way.muted) this.finish(way)
  }

  private finish(way: Direction): void {
    way.to.end()
    if (this.fromClient.ended && (this.fromServer.ended || this.fromServer.muted)) this.cut("end")
    else if (way.from === "server") this.cut("end")
  }

  private async pause(ms: number): Promise<void> {
    this.options.stats.fired++
    await sleep(ms)
  }

  private async act(way: Direction, bytes: Buffer, action: WireAction): Promise<void> {
    switch (action.do) {
      case "cut":
        if (action.at !== "before") {
          const part = action.at === "after" ? bytes : bytes.subarray(0, Math.ceil(bytes.length / 2))
          // A reset throws away what has not left yet.
          await this.send(way, part)
          await sleep(1)
        }
        return this.cut(action.how)
      case "drop":
        return
      case "mute":
        way.muted = true
        return
      case "hold":
        way.held = true
        while (way.held && !this.closed) await sleep(3)
        return this.send(way, bytes)
      case "delay":
        await sleep(action.ms)
        return this.send(way, bytes)
      case "replace":
        await this.send(way, action.bytes)
        if (action.end === true) {
          await sleep(1)
          this.cut("end")
        }
        return
      case "ask":
        this.framing.askForeign(action.sql, typeOf(bytes))
        await this.send(way, query(action.sql))
        return this.send(way, bytes)
    }
  }

  private async send(way: Direction, bytes: Buffer): Promise<void> {
    const { plan, stats } = this.options
    if (way.to.destroyed) return
    if (plan.sliceBytes === 0) {
      if (!way.to.write(bytes)) {
        await new Promise((resolve) => {
          way.to.once("drain", resolve)
          way.to.once("close", resolve)
        })
      }
      return
    }
    stats.fired++
    for (let at = 0; at < bytes.length; at += plan.sliceBytes) {
      // Each write by itself, or the kernel is handed one piece after all.
      await new Promise((resolve) => way.to.write(bytes.subarray(at, at + plan.sliceBytes), resolve))
    }
  }
}
