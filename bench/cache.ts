/**
 * The query cache: what hits, misses and `strong` reads cost, stampedes, what the change log costs writers, memory.
 */
import { writeFileSync } from "node:fs"
import { openEms } from "./cache/ems.ts"
import { hits } from "./cache/hits.ts"
import { startServer } from "./cache/Layout.ts"
import { memory } from "./cache/memory.ts"
import { misses } from "./cache/misses.ts"
import { stampede } from "./cache/stampede.ts"
import { strong } from "./cache/strong.ts"
import { writing } from "./cache/writing.ts"
import type { BenchOptions } from "./options.ts"
import { type Part, print } from "./Part.ts"

export const cache = async (options: BenchOptions): Promise<number> => {
  const server = await startServer()
  try {
    const ems = await openEms(server.url)
    const parts: Array<Part> = []
    let missed = 0
    console.log(`query cache, Bun ${process.versions["bun"]}, medians of ${options.rounds}`)
    for (
      const part of [
        () => hits(server.url, ems, options),
        () => misses(server.url, options),
        () => strong(server.url, ems, options),
        () => stampede(server.url),
        () => writing(server.url, ems, options),
        () => memory(server.url)
      ]
    ) {
      const shown = await part()
      missed += print(shown)
      parts.push(shown)
    }
    await ems.close()
    if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ parts }, null, 2))
    return missed === 0 ? 0 : 1
  } finally {
    await server.stop()
  }
}
