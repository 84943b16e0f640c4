/** What the change log costs those who write. */
import type { BenchOptions } from "../options.ts"
import { among, atLeast, type Part } from "../Part.ts"
import { measure, type Side } from "../Side.ts"
import type { Ems } from "./ems.ts"
import { accountRows, accounts } from "./Layout.ts"
import { startWriters } from "./Writers.ts"

const clients = 32

/** A commit that waits for others, as where it has to reach a quorum. Microseconds. */
const commitDelay = 2000

/** Somebody reads meanwhile, so that the log is polled as well. Milliseconds. */
const readEvery = 20

export const writing = async (url: string, ems: Ems, options: BenchOptions): Promise<Part> => {
  const writers = await startWriters(url, clients, [
    "synchronous_commit = on",
    `commit_delay = ${commitDelay}`,
    "commit_siblings = 0"
  ])
  const reader = setInterval(() => void ems.run(ems.point.bounded({ id: 1n })), readEvery)
  const side = (name: string, table: string): Side => ({
    name,
    run: (_, until) => writers.write(table, until - performance.now()),
    close: async () => {}
  })
  try {
    const measured = await measure([side("without triggers", accounts.plain), side("with triggers", accounts.logged)], {
      callers: clients,
      ...options
    })
    const { feed } = await ems.snapshot()
    return {
      title: `writers: ${clients} pg clients, one row each of ${accountRows}, commits delayed ${
        commitDelay / 1000
      } ms; commits/s`,
      measured,
      seen: [`the feed is ${feed?.state}, its last poll took ${feed?.roundTripMs.toFixed(2)} ms`],
      outcomes: [
        atLeast("with triggers against without", among(measured)("with triggers", "without triggers"), 0.8)
      ]
    }
  } finally {
    clearInterval(reader)
    await writers.close()
  }
}
