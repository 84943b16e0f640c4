/** The servers of a run, started when the first fault needs them. */
import * as fs from "node:fs"
import { Cluster } from "./Cluster.ts"

/**
 * `pair`: a primary with an asynchronous standby, `own`: a server that may be ruined; both anew for each case. `15`: the
 * oldest Postgres that is supported.
 */
export type ServerKind = "pair" | "own" | "15"

const bin15 = "/usr/lib/postgresql/15/bin"

/** Why there is no such server here. */
export const missing = (kind: ServerKind): string | undefined =>
  kind === "15" && !fs.existsSync(bin15) ? `there is no Postgres 15 in ${bin15}` : undefined

export class Servers {
  readonly main: Cluster
  private old: Cluster | undefined

  constructor(main: Cluster) {
    this.main = main
  }

  /** Runs `use` with the server that a fault wants. */
  async lend<A>(
    kind: ServerKind | undefined,
    use: (cluster: Cluster, standby: Cluster | undefined) => Promise<A>
  ): Promise<A> {
    if (kind === undefined) return use(this.main, undefined)
    if (kind === "15") return use(this.old ??= await Cluster.start({ binDirectory: bin15 }), undefined)
    const primary = await Cluster.start(kind === "pair" ? { settings: { max_wal_senders: "4" } } : {})
    let standby: Cluster | undefined
    try {
      if (kind === "pair") standby = await primary.copyAsStandby()
      return await use(primary, standby)
    } finally {
      await standby?.end()
      await primary.end()
    }
  }

  async end(): Promise<void> {
    await this.old?.end()
    await this.main.end()
  }
}
