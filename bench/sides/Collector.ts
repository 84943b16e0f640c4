/** The collector's process, seen from the bench. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

export interface Collector {
  /** Where spans are posted to. */
  readonly url: string
  /** Waits until so many spans were received in all. Throws when they do not come. */
  readonly received: (spans: number) => Promise<void>
  readonly close: () => void
}

/** Spans that are not there by then are lost. Milliseconds. */
const patience = 10_000

export const startCollector = async (): Promise<Collector> => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../collector.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const [port] = (await once(child.stdout, "data")) as [Buffer]
  const url = `http://127.0.0.1:${Number(port)}`
  const count = async () => Number(await (await fetch(`${url}/count`)).text())
  return {
    url: `${url}/v1/traces`,
    received: async (spans) => {
      const started = performance.now()
      let found = await count()
      while (found < spans && performance.now() - started < patience) {
        await sleep(5)
        found = await count()
      }
      if (found !== spans) throw new Error(`${spans} spans were made, the collector has ${found}`)
    },
    close: () => void child.stdin.end()
  }
}
