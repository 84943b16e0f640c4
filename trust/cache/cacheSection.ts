/** What the document says of the query cache. */
import { grouped, table } from "../markdown.ts"
import type { RunFile } from "../RunFile.ts"
import type { CacheFile, CacheLine } from "./CacheFile.ts"

const cells = (name: string, line: CacheLine) => [
  name,
  grouped(line.reads),
  grouped(line.violations),
  grouped(Math.round(line.worstStalenessMs)),
  Math.round(line.writesPerSecond),
  `${Math.round(line.hitRatio * 100)} %`
]

const histories = (runtime: string, cache: CacheFile): string =>
  table(["read through", "reads", "answers that broke the promise", "stalest, ms", "writes/s", "hits"], [
    cells(`ems, ${runtime}, at most ${cache.boundMs} ms`, cache),
    ...cache.tight === undefined ? [] : [cells(`ems, ${runtime}, at most ${cache.tight.boundMs} ms`, cache.tight)],
    ...Object.entries(cache.peers).map(([name, line]) => cells(name, line))
  ])

const cases = ({ cases = [] }: CacheFile): string =>
  table(
    ["", "right", "wrong", "not for it", "of the basic 33: wrong"],
    cases.map(({ all, basic, subject }) => [subject, all.ok, all.wrong, all["n/a"], basic.wrong])
  )

export const cacheSection = (runs: ReadonlyArray<RunFile>): string => {
  const parts = runs.flatMap(({ cache, runtime }) =>
    cache === undefined ? [] : [
      histories(runtime, cache),
      ...cache.cases === undefined ? [] : [
        `Mistakes planted in it that the checker found: ${cache.mutantsCaught} of ${cache.mutants}, each on three seeds.`,
        "Cases of which each is one way to be wrong (`memo` is a cache that looks at nothing but the text):",
        cases(cache)
      ]
    ]
  )
  return parts.length === 0 ? "Not in these runs." : parts.join("\n\n")
}
