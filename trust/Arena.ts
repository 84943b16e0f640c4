/** What a fault can reach: the wire, the server, and how far the callers have come. */
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
import type { Load } from "./Protocol.ts"
import { random } from "./random.ts"

/** The role of the data layers under test. */
export const role = "app"

export interface ArenaOptions {
  readonly cluster: Cluster
  readonly child: ChildHandle
  readonly load: Load
  readonly seed: number
  readonly deadlineMs: number
  /** How many times the usual number of operations to offer under a fault. */
  readonly scale: number
}

export class Arena {
  readonly cluster: Cluster
  readonly child: ChildHandle
  readonly proxy: WireProxy
  readonly deadlineMs: number
  readonly random: () => number
  private readonly load: Load
  private readonly scale: number
  private readonly codes = new Map<string, ArmedRule>()
  private offeredAt = 0

  private constructor(options: ArenaOptions, proxy: WireProxy) {
    this.cluster = options.cluster
    this.child = options.child
    this.load = options.load
    this.deadlineMs = options.deadlineMs
    this.scale = options.scale
    this.proxy = proxy
    this.random = random(options.seed)
  }

  static async make(options: ArenaOptions): Promise<Arena> {
    return new Arena(options, await startWireProxy({ postgresUrl: options.cluster.url }))
  }

  readonly sleep = (ms: number): Promise<void> => sleep(ms)

  readonly sql = (text: string, parameters?: ReadonlyArray<unknown>) => this.cluster.sql(text, parameters)

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

  async resume(): Promise<void> {
    await this.child.ask({ do: "work", ...this.load }, 1000)
  }
}
