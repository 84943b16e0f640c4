/** What is broken while a history runs, for how long, and how it is taken back. */
import { connect } from "@ems/db-testing/Admin"
import { setTimeout as sleep } from "node:timers/promises"
import type { Cluster } from "../../Cluster.ts"
import type { FeedFault, FeedProxy } from "./FeedProxy.ts"
import type { HistoryProcess } from "./HistoryProcess.ts"

export interface Scene {
  readonly cluster: Cluster
  /** Of the superuser, past the proxies. */
  readonly url: string
  readonly apps: ReadonlyArray<HistoryProcess>
  /** One for each of them. */
  readonly proxies: ReadonlyArray<FeedProxy>
  readonly boundMs: number
}

export interface Window {
  readonly name: string
  /** Nothing is broken: the hit ratio counts. */
  readonly isQuiet?: boolean
  /** The feed of every process is lost for longer than a lease: each has to bypass. */
  readonly losesFeed?: boolean
  /** Resolves when everything has been taken back. */
  readonly play: (scene: Scene) => Promise<void>
}

export const quiet = (ms: number): Window => ({ name: "quiet", isQuiet: true, play: () => sleep(ms) })

/** Every query is learned, and nothing is in the cache yet. */
export const warmUp = (ms: number): Window => ({ name: "warm-up", play: () => sleep(ms) })

/** A feed that was lost is looked for about once a second. */
const recoveryMs = 1100

const feed = (name: string, fault: FeedFault, bounds: number): Window => ({
  name,
  losesFeed: true,
  play: async ({ boundMs, proxies }) => {
    for (const proxy of proxies) proxy.setFeed(fault)
    await sleep(bounds * boundMs)
    for (const proxy of proxies) proxy.setFeed("none")
    await sleep(recoveryMs)
  }
})

/** More than two leases. */
export const feedHole = feed("feed black-holed", "hole", 2.6)
export const feedCut = feed("feed cut", "cut", 2.6)

const statements = async (url: string, use: (run: (text: string) => Promise<unknown>) => Promise<void>) => {
  const client = await connect(url)
  try {
    await use((text) => client.query(text))
  } finally {
    await client.end()
  }
}

/** As a crash leaves them; the log's own trigger for TRUNCATE must not be what saves us. */
export const logLost = (times: number): Window => ({
  name: "change log and epoch lost",
  play: ({ url }) =>
    statements(url, async (run) => {
      for (let i = 0; i < times; i++) {
        // In the order in which a poll locks them: the other way round is a deadlock.
        await run("truncate ems_internal.epoch, ems_internal.change")
        await sleep(170 + 61 * i)
      }
    })
})

const sweeping = (url: string, everyMs: number, ms: number, until?: Promise<unknown>): Promise<void> =>
  statements(url, async (run) => {
    let isOver = false
    void until?.then(() => {
      isOver = true
    })
    for (const end = performance.now() + ms; performance.now() < end && !isOver;) {
      await run("select ems_internal.sweep('0')")
      await sleep(everyMs)
    }
  })

/** Between two polls come fewer sweeps than the log keeps: nobody has to flush. */
export const janitor = (ms: number): Window => ({ name: "janitor", play: ({ url }) => sweeping(url, 55, ms) })

/** More of them than the log keeps: everybody was away for too long, all the time. */
export const janitorRush = (ms: number): Window => ({
  name: "janitor in a rush",
  play: ({ url }) => sweeping(url, 8, ms)
})

export const ackDelay = (atMostMs: number, ms: number): Window => ({
  name: "acknowledgements late",
  play: async ({ proxies }) => {
    for (const proxy of proxies) proxy.setAckDelay(atMostMs)
    await sleep(ms)
    for (const proxy of proxies) proxy.setAckDelay(0)
  }
})

const frozen = async ({ apps }: Scene, ms: number): Promise<void> => {
  for (const app of apps) {
    app.freeze()
    await sleep(ms)
    app.thaw()
    await sleep(150)
  }
}

export const stopped: Window = {
  name: "a process stopped for longer than a lease",
  play: (scene) => frozen(scene, 2.2 * scene.boundMs)
}

export const stoppedWhileSwept: Window = {
  name: "a process stopped for longer than the log goes back",
  play: async (scene) => {
    const over = frozen(scene, 3 * scene.boundMs)
    await Promise.all([over, sweeping(scene.url, 55, 60_000, over)])
  }
}

/** The proxies are closed meanwhile: a pooler that meets no server waits for long before it tries again. */
export const killed: Window = {
  name: "Postgres killed",
  play: async ({ cluster, proxies }) => {
    for (const proxy of proxies) proxy.setClosed(true)
    await cluster.stop("SIGKILL")
    await cluster.startAgain()
    for (const proxy of proxies) proxy.setClosed(false)
    await sleep(1500)
  }
}

export const together = (ms: number): Window => ({
  name: "several at once",
  play: async (scene) => {
    const { apps: [app], boundMs, proxies, url } = scene
    for (const proxy of proxies) proxy.setAckDelay(3)
    await Promise.all([
      sweeping(url, 55, ms),
      (async () => {
        for (const end = performance.now() + ms; performance.now() < end;) {
          for (const [index, proxy] of proxies.entries()) {
            proxy.setFeed(index % 2 === 0 ? "hole" : "cut")
            await sleep(boundMs * 0.7)
            proxy.setFeed("none")
          }
          app?.freeze()
          await sleep(boundMs * 0.8)
          app?.thaw()
        }
      })()
    ])
    for (const proxy of proxies) proxy.setAckDelay(0)
  }
})
