/**
 * How many of the blocks that were asked for were in Postgres's own cache (`shared_buffers`): of the database, and of
 * each table and index that was read. What was not there may still have been in the operating system's.
 *
 * On Neon a block that is not in `shared_buffers` is looked for in the compute's file cache, which is the greater part
 * of its cache: with the extension `neon` that one's ratio is a row too.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import type { ServerFacts } from "./ServerFacts.ts"
import { isUsers } from "./UserRelation.ts"

export interface CacheHitRatio {
  readonly kind: "database" | "file cache" | "table" | "index"
  /** As `schema.name`; the database's own for `database` and `file cache`. */
  readonly name: string
  /** Blocks that were there. Since the statistics began; of a table, with its TOAST. */
  readonly hits: number
  readonly reads: number
  /** Null when nothing was asked for. */
  readonly ratio: number | null
}

const fileCache = ({ extensions, isNeon }: ServerFacts): string => {
  const neon = extensions.get("neon")
  return !isNeon || neon === undefined ? "" : `
  union all
  select 'file cache', current_database(), f.file_cache_hits, f.file_cache_misses from ${neon.schema}.neon_stat_file_cache f`
}

export const cacheHitRatios: CatalogQuery<CacheHitRatio> = {
  name: "cache-hit-ratios",
  notes: ({ extensions, isNeon }) =>
    isNeon
      ? [
        "On Neon shared_buffers is not the whole cache: most of it is the compute's file cache",
        ...extensions.has("neon") ? [] : ["The extension neon tells the file cache's ratio: create extension neon"]
      ]
      : [],
  sql: (server) => `
with counted (kind, name, hits, reads) as (
  select 'database', d.datname::text, d.blks_hit, d.blks_read from pg_stat_database d where d.datname = current_database()
  union all
  select 'table', format('%s.%s', n.nspname, c.relname),
    s.heap_blks_hit + coalesce(s.toast_blks_hit, 0) + coalesce(s.tidx_blks_hit, 0),
    s.heap_blks_read + coalesce(s.toast_blks_read, 0) + coalesce(s.tidx_blks_read, 0)
  from pg_statio_all_tables s join pg_class c on c.oid = s.relid join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and ${isUsers("n", "c")}
  union all
  select 'index', format('%s.%s', n.nspname, s.indexrelname), s.idx_blks_hit, s.idx_blks_read
  from pg_statio_all_indexes s join pg_class c on c.oid = s.relid join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and ${isUsers("n", "c")}${fileCache(server)}
)
select c.kind, c.name, c.hits::float8 as hits, c.reads::float8 as reads,
  c.hits::float8 / nullif(c.hits + c.reads, 0) as ratio
from counted c
order by array_position(array['database', 'file cache', 'table', 'index'], c.kind), c.reads desc, c.name`
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

export const cacheHitRatioCheck = checkOf({
  name: "cache-hit-ratio",
  title: "Too few of the blocks read are in the cache",
  query: cacheHitRatios,
  thresholds: {
    ratio: { value: 0.985, unit: "ratio", source: "pg-extras diagnose: table and index cache hit of 0.985" },
    fileCacheRatio: { value: 0.99, unit: "ratio", source: "Neon's documentation: 99 % or better of the file cache" },
    blocks: { value: 1_000_000, unit: "count", source: "ours: 8 GB asked for; before, the ratio tells of the start" }
  },
  judge: (rows, { limit, server: { isNeon } }) =>
    rows.flatMap(({ hits, kind, name, ratio, reads }) => {
      const isFileCache = kind === "file cache"
      // On Neon a miss of `shared_buffers` is mostly a hit of the file cache.
      if (isFileCache ? !isNeon : kind !== "database" || isNeon) return []
      const least = limit(isFileCache ? "fileCacheRatio" : "ratio")
      if (ratio === null || hits + reads < limit("blocks") || ratio >= least) return []
      return [{
        severity: "warn",
        object: { kind: "database", name },
        summary: `${percent(ratio)} of the blocks asked for were in ${
          isFileCache ? "the compute's file cache" : "shared_buffers"
        }, less than ${percent(least)}`,
        evidence: { cache: isFileCache ? "file cache" : "shared_buffers", hits, reads, ratio },
        impact: isFileCache
          ? "The others came over the network from storage; a bigger compute has a bigger cache"
          : "The others came from the operating system or the disk; more memory, or queries that read less, mends it",
        remediation: null,
        documentation: isFileCache
          ? "https://neon.com/docs/extensions/neon"
          : manual("runtime-config-resource.html#GUC-SHARED-BUFFERS")
      }]
    })
})
