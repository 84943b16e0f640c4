/** One connection through the wire proxy: two directions, each cut into messages that the plan's rules see. */
import type * as net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import {
  cancelRequestCode,
  commandTag,
  FrameReader,
  gssRequestCode,
  parseError,
  sslRequestCode,
  typeOf
} from "./Wire.ts"
import { query, type WireAction, type WireFrame, type WirePlan, type WireStats } from "./WireFault.ts"
import { WireStatements } from "./WireStatements.ts"

export interface WireSessionOptions {
  readonly client: net.Socket
  readonly server: net.Socket
  readonly plan: WirePlan
  readonly stats: WireStats
  readonly number: number
  readonly onClose: () => void
}

const untypedNames = new Map([[sslRequestCode, "ssl"], [gssRequestCode, "gss"], [cancelRequestCode, "cancel"]])

const isFatal = (bytes: Buffer): boolean => typeOf(bytes) === "E" && parseError(bytes.subarray(5)).severity === "FATAL"

/** One direction: frames wait here for their turn, so what is held or late keeps its order. */
interface Direction {
  readonly from: "client" | "server"
  readonly to: net.Socket
  reader: FrameReader
  readonly queue: Array<Buffer>
  draining: boolean
  muted: boolean
  held: boolean
  /** The sender has closed; the close follows what waits. */
  ended: boolean
}

export class WireSession {
  private readonly options: WireSessionOptions
  private readonly statements = new WireStatements()
  private readonly fromClient: Direction
  private readonly fromServer: Direction
  /** `opaque`: TLS or a cancel request, only bytes from here on. */
  private phase: "startup" | "answer" | "typed" | "opaque" = "startup"
  /** Statements that a rule asked and that have no ReadyForQuery yet. */
  private foreign = 0
  private closed = false

  constructor(options: WireSessionOptions) {
    this.options = options
    const direction = (from: "client" | "server"): Direction => ({
      from,
      to: from === "client" ? options.server : options.client,
      reader: new FrameReader(from === "server"),
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
      source.on("data", (chunk: Buffer) => this.receive(way, chunk))
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

  private receive(way: Direction, chunk: Buffer): void {
    if (this.phase === "opaque") way.queue.push(chunk)
    else if (way.from === "server" && this.phase === "answer") {
      this.phase = chunk[0] === 0x53 ? "opaque" : "startup"
      way.queue.push(chunk)
    } else if (way.from === "client" && this.phase === "startup") this.receiveUntyped(way, chunk)
    else way.queue.push(...way.reader.push(chunk))
    void this.drain(way)
  }

  private receiveUntyped(way: Direction, chunk: Buffer): void {
    for (const frame of way.reader.push(chunk)) {
      const name = untypedNames.get(frame.readInt32BE(4))
      const rest = way.reader.rest()
      way.queue.push(frame)
      if (name === "ssl" || name === "gss") {
        this.phase = "answer"
        way.reader = new FrameReader(false)
      } else {
        if (name === "cancel") this.options.stats.cancelRequests++
        this.phase = name === "cancel" ? "opaque" : "typed"
        way.reader = new FrameReader()
        if (rest.length > 0) way.queue.push(...way.reader.push(rest))
      }
    }
  }

  private describe(way: Direction, bytes: Buffer): WireFrame {
    const { from } = way
    const common = { from, bytes, connection: this.options.number, sql: undefined, tag: undefined, status: undefined }
    if (bytes.length >= 8 && bytes[0] === 0 && from === "client") {
      return { ...common, type: untypedNames.get(bytes.readInt32BE(4)) ?? "startup" }
    }
    if (this.phase === "opaque") return { ...common, type: "opaque" }
    if (bytes.length === 1) return { ...common, type: "answer" }
    const type = typeOf(bytes)
    return {
      ...common,
      type,
      sql: from === "client" ? this.statements.ofClient(type, bytes) : this.statements.ofServer(type),
      tag: from === "server" ? commandTag(bytes) : undefined,
      status: from === "server" && type === "Z" ? String.fromCharCode(bytes[5] ?? 0) : undefined
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
      if (way.from === "server" && this.foreign > 0 && !isFatal(bytes)) {
        if (typeOf(bytes) === "Z") this.foreign--
        continue
      }
      const frame = this.describe(way, bytes)
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
        this.foreign++
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
