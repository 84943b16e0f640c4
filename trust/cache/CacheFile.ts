/** What `--json` writes of the cache, as far as the document is made from it. */
import type { Tally } from "./cases/Table.ts"

export interface CacheLine {
  readonly reads: number
  readonly violations: number
  readonly writesPerSecond: number
  readonly hitRatio: number
  readonly worstStalenessMs: number
}

export interface CacheFile extends CacheLine {
  readonly boundMs: number
  readonly tight?: CacheLine & { readonly boundMs: number }
  readonly peers: Readonly<Record<string, CacheLine>>
  readonly mutants: number
  readonly mutantsCaught: number
  /** Not in a quick run. */
  readonly cases?: ReadonlyArray<Tally>
}
