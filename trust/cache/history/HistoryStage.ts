/** The processes of a history with what is between them and the server, started and at work. */
import { databaseUrl, withClient } from "@ems/db-testing/Admin"
import { findPgBouncer, startPgBouncer } from "@ems/db-testing/PgBouncer"
import * as path from "node:path"
import { random } from "../../random.ts"
import { startFeedProxy } from "./FeedProxy.ts"
import { HistoryProcess } from "./HistoryProcess.ts"
import type { HistoryOptions } from "./HistoryRun.ts"
import { schema } from "./Layout.ts"
import type { Acked } from "./Protocol.ts"
import type { Scene } from "./Windows.ts"

/** Of the pool of each process, and of the pooler's. */
const connections = 6

export interface HistoryStage {
  readonly scene: Scene
  readonly outsider: HistoryProcess
  /** One for each process, the outsider's last; a process that noted nothing has none. */
  readonly logs: ReadonlyArray<string>
  /** There is a PgBouncer before one of them. */
  readonly pooler: boolean
  readonly close: () => Promise<void>
}

export const startStage = async (options: HistoryOptions): Promise<HistoryStage> => {
  const { boundMs, cluster, seed } = options
  await cluster.server(`create database ${options.database}`)
  const url = databaseUrl(cluster.url, options.database)
  await withClient(url, (client) => client.query(schema))
  const logs = [...options.apps.map((_, index) => `app${index}`), "outsider"].map((name) =>
    path.join(options.directory, `${options.database}-${name}.bin`)
  )
  const closers: Array<() => unknown> = []
  const close = async () => {
    for (const closer of closers.toReversed()) await closer()
  }
  try {
    const bouncer = options.pooler && findPgBouncer() !== undefined
      ? await startPgBouncer({ postgresUrl: url, poolSize: connections })
      : undefined
    if (bouncer !== undefined) closers.push(bouncer.close)
    const apps: Array<HistoryProcess> = []
    const start = (program: "app" | "outsider"): HistoryProcess => {
      const started = new HistoryProcess({
        program,
        onAcked: (acked: Acked) => {
          for (const app of apps) app.tell({ do: "acked", ...acked })
        },
        ...options.patch === undefined || program === "outsider" ? {} : { patch: options.patch }
      })
      closers.push(() => started.end())
      return started
    }
    const outsider = start("outsider")
    apps.push(...options.apps.map(() => start("app")))
    const proxies = await Promise.all(apps.map(async (_, index) => {
      const isLast = index === apps.length - 1
      const target = isLast && bouncer !== undefined ? bouncer.url : url
      const proxy = await startFeedProxy({ target, random: random(seed * 31 + index) })
      closers.push(() => proxy.close())
      proxy.setAckDelay(options.ackDelayMs ?? 0)
      return proxy
    }))
    const opening = (app: HistoryProcess, index: number) =>
      app.ask({
        do: "open",
        contender: options.contender,
        log: logs[index]!,
        process: index,
        seed: seed * 100 + index,
        options: { url: proxies[index]!.url, applicationName: `app${index}`, connections, boundMs }
      }, 30_000)
    await Promise.all([
      outsider.ask({ do: "openOutsider", url, log: logs.at(-1)!, process: apps.length, seed: seed * 100 + 99 }),
      ...apps.map(opening)
    ])
    // The log must be there before anybody looks for it: one who finds none looks again after half a minute.
    await apps[0]!.ask({ do: "install" }, 30_000)
    await Promise.all(apps.map((app, index) => app.ask({ do: "work", app: options.apps[index]! })))
    await outsider.ask({ do: "work", outsider: options.outsider })
    return { scene: { cluster, url, apps, proxies, boundMs }, outsider, logs, pooler: bouncer !== undefined, close }
  } catch (error) {
    await close()
    throw error
  }
}
