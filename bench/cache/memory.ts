/** Whether what the cache says it holds is bounded, and is what it holds. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { type Part, thousands } from "../Part.ts"

export interface MemorySeen {
  /** Answers that were put in. */
  readonly puts: number
  /** The most that the cache ever said it holds. */
  readonly entries: number
  readonly bytes: number
  /** Bytes of heap after a forced collection: before the first put, and after each half of them. */
  readonly baseline: number
  readonly heap: ReadonlyArray<number>
}

const puts = 1_000_000
const maxEntries = 10_000
const maxBytes = 8 * 1_048_576

/** On a machine that is busy with something else a million may take too long. Seconds. */
const patience = 60

/** What the heap may grow by, of the bound. */
const share = 3

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`

export const memory = async (url: string): Promise<Part> => {
  const file = fileURLToPath(new URL("memoryProcess.ts", import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [file, url, ...[puts, maxEntries, maxBytes, patience].map(String)]
  )
  // Written by the file above.
  const seen = JSON.parse(stdout) as MemorySeen
  const grown = Math.max(...seen.heap) - seen.baseline
  return {
    title: `memory: ${thousands(seen.puts)} different answers, room for ${thousands(maxEntries)} and ${mib(maxBytes)}`,
    measured: [],
    seen: [
      `accounted for at most ${mib(seen.bytes)} in ${thousands(seen.entries)} answers`,
      `heap ${mib(seen.baseline)} before, ${seen.heap.map(mib).join(" and ")} after each half`
    ],
    outcomes: [
      {
        what: "accounted bytes",
        figure: mib(seen.bytes),
        goal: `at most ${mib(maxBytes)}`,
        isMet: seen.bytes <= maxBytes
      },
      {
        what: "answers held",
        figure: thousands(seen.entries),
        goal: `at most ${thousands(maxEntries)}`,
        isMet: seen.entries <= maxEntries
      },
      {
        what: "what the heap grew by",
        figure: `${(grown / maxBytes).toFixed(2)}x the bound`,
        goal: `at most ${share}x`,
        isMet: grown <= share * maxBytes
      }
    ]
  }
}
