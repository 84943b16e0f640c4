/** What a fault can reach: the wire, the server, and how far the callers have come. */
import { type NeonStandIn, startNeonStandIn } from "@ems/db-testing/NeonStandIn"
import {
  type ArmedRule,
  startWireProxy,
  type WireAction,
  type WireFrame,
  type WireProxy
} from "@ems/db-testing/WireProxy"
import { setTimeout as sleep } from "node:timers/promises"
import type { ChildHandle } from "./ChildHandle.ts"
import type { Cluster } from "./Cluster.ts"
import type { ContenderName } from "./contenders/Contender.ts"
import type { Load } from "./Protocol.ts"
import { random } from "./random.ts"

/** The role of the data layers under test. */
export const role = "app"

/** A statement that was interrupted while it ran; in milliseconds after that. */
export interface Cancelled {
  /** When the server was last seen to run it. */
  readonly seenMs: number
  /** When it was first seen not to. */
  readonly goneMs: number
}

export interface ArenaOptions {
  readonly cluster: Cluster
  readonly standby: Cluster | undefined
  readonly child: ChildHandle
  readonly contender: ContenderName
  /** Put Neon's proxy between the data layer and the wire. */
  readonly neon: boolean
  readonly load: Load
  /** Begins the id of every row. */
  readonly prefix: string
  readonly seed: number
  readonly deadlineMs: number
  /** How many times the usual number of operations to offer under a fault. */
  readonly scale: number
}

export class Arena {
  /** The server that the rows are read from in the end. */
  cluster: Cluster
  /** Follows `cluster` at the start, for faults that ask for it. */
  readonly standby: Cluster | undefined
  readonly child: ChildHandle
  readonly contender: ContenderName
  readonly proxy: WireProxy
  readonly neon: NeonStandIn | undefined
  readonly cancelled: Array<Cancelled> = []
  /** Writes that the server itself acknowledged, where a fault takes note: if it loses them, no data layer can know. */
  readonly answered = new Set<string>()
  private readonly idPattern: RegExp
  readonly deadlineMs: number
  readonly random: () => number
  private readonly load: Load
  readonly scale: number
  private readonly codes = new Map<string, ArmedRule>()
  private offeredAt = 0

  private constructor(options: ArenaOptions, proxy: WireProxy, neon: NeonStandIn | undefined) {
    this.cluster = options.cluster
    this.standby = options.standby
    this.child = options.child
    this.contender = options.contender
    this.neon = neon
    this.load = options.load
    this.deadlineMs = options.deadlineMs
    this.scale = options.scale
    this.proxy = proxy
    this.random = random(options.seed)
    this.idPattern = new RegExp(`${options.prefix}:\\d+:\\d+`)
  }

  static async make(options: ArenaOptions): Promise<Arena> {
    const proxy = await startWireProxy({ postgresUrl: options.cluster.url })
    return new Arena(options, proxy, options.neon ? await startNeonStandIn({ postgresUrl: proxy.url }) : undefined)
  }

  readonly sleep = (ms: number): Promise<void> => sleep(ms)

  readonly sql = (text: string, parameters?: ReadonlyArray<unknown>) => this.cluster.sql(text, parameters)

  /** Changes what callers use. Those who keep a transaction open for ever, as some layers do, do not hold it up. */
  async alter(text: string): Promise<void> {
    for (;;) {
      try {
        await this.sql(`begin; set local lock_timeout = '2s'; ${text}; commit`)
        return
      } catch (error) {
        await this.sql("rollback")
        if (!(error instanceof Error && "code" in error && error.code === "55P03")) throw error
        await this.terminate(await this.backends("state like 'idle in transaction%'"))
      }
    }
  }

  /** Counts how often the server says this code to a client, from the first call on. */
  said(code: string): ArmedRule {
    const known = this.codes.get(code)
    if (known !== undefined) return known
    const field = Buffer.from(`C${code}\0`)
    const rule = this.proxy.add({
      match: (frame) => frame.from === "server" && frame.type === "E" && frame.bytes.includes(field),
      action: { do: "delay", ms: 0 }
    })
    this.codes.set(code, rule)
    return rule
  }

  /** Notes in `answered` whose COMMIT the server has answered, with the answer delivered, until it is stopped. */
  noteAnswers(): { readonly stop: () => void } {
    const ids = new Map<number, string>()
    let noting = true
    this.proxy.add({
      match: (frame) => {
        const [id] = noting && frame.from === "client" ? this.idPattern.exec(frame.bytes.toString("latin1")) ?? [] : []
        if (id !== undefined) ids.set(frame.connection, id)
        if (noting && frame.tag === "COMMIT") this.answered.add(ids.get(frame.connection) ?? "")
        return false
      },
      action: { do: "drop" }
    })
    return {
      stop: () => {
        noting = false
      }
    }
  }

  /** The backends of the data layer under test. */
  async backends(where = "true"): Promise<ReadonlyArray<number>> {
    const rows = await this.sql(
      `select pid from pg_stat_activity where usename = $1 and backend_type = 'client backend' and ${where}`,
      [role]
    )
    return rows.map(({ pid }) => Number(pid))
  }

  async terminate(pids: ReadonlyArray<number>): Promise<number> {
    const rows = await this.sql("select pg_terminate_backend(pid) as done from unnest($1::int[]) pid", [pids])
    return rows.filter(({ done }) => done === true).length
  }

  /** Begins to count what is offered while the fault is in force. */
  begin(): void {
    const { invoked, pending } = this.child.progress
    this.offeredAt = invoked - pending
  }

  /** Operations that were under way or begun since then. */
  get offered(): number {
    return this.child.progress.invoked - this.offeredAt
  }

  /** Waits until enough operations were offered under the fault, and until it `fired` often enough. */
  async window(options: {
    readonly offered?: number
    readonly atLeastMs?: number
    readonly atMostMs?: number
    readonly until?: () => boolean
  } = {}): Promise<void> {
    const started = performance.now()
    const { atLeastMs = 150, atMostMs = 4000, offered = 30 } = options
    for (;;) {
      const spent = performance.now() - started
      if (spent > atMostMs || !this.child.alive) return
      if (spent > atLeastMs && this.offered >= offered * this.scale && (options.until?.() ?? true)) return
      await sleep(5)
    }
  }

  /** Does something again and again while operations are offered; returns the sum of what it counted. */
  async repeat(everyMs: number, times: number, act: () => Promise<number> | number): Promise<number> {
    let fired = 0
    for (let i = 0; i < times || (this.offered < 30 * this.scale && i < times * 10); i++) {
      fired += await act()
      await sleep(everyMs * (0.5 + this.random()))
    }
    return fired
  }

  /** Puts a rule in force until it has fired often enough under enough operations; returns how often it fired. */
  async rule(
    match: (frame: WireFrame) => boolean,
    action: WireAction,
    options: { readonly spare?: number; readonly least?: number; readonly atMostMs?: number } = {}
  ): Promise<number> {
    const armed = this.proxy.add({ match, action, spare: options.spare ?? 2 })
    const least = (options.least ?? 8) * this.scale
    await this.window({ until: () => armed.fired >= least, atMostMs: options.atMostMs ?? 4000 })
    return armed.fired
  }

  /** Waits until no caller is under way. */
  async pause(): Promise<void> {
    await this.child.ask({ do: "stop" }, this.deadlineMs + 4000)
  }

  /**
   * Sets a fault while nobody is under way, and closes every connection: what callers meet is then the fault alone, not
   * the cut of a statement that was running.
   */
  async afresh(set: () => unknown): Promise<void> {
    await this.pause()
    await set()
    this.begin()
    this.proxy.cutAll("end")
    await this.sleep(20)
    await this.resume()
  }

  async resume(otherwise: Partial<Load> = {}): Promise<void> {
    await this.child.ask({ do: "work", ...this.load, ...otherwise }, 1000)
  }

  async close(): Promise<void> {
    await this.neon?.close()
    await this.proxy.close()
  }
}
