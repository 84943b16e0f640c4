/**
 * Since when the cumulative statistics of this database have counted without a gap.
 *
 * `pg_stat_database.stats_reset` alone does not say: after a crash, a failover or a major upgrade every counter begins
 * at 0 and it is null again. The server-wide statistics begin at the same moment and note it; each can be reset by
 * itself later, so the earliest of them is taken, which may be too late an instant and never too early a one. Neon's
 * computes forget all of them with each suspension unless `neon.pgstat_file_size_limit` is set.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { isoInstant, type ServerFacts } from "./ServerFacts.ts"

/** A `timestamptz`; for a select without a `from` of its own. */
export const observedSince = ({ isNeon }: Pick<ServerFacts, "isNeon">): string =>
  `(select greatest(d.stats_reset,
    least((select stats_reset from pg_stat_bgwriter), (select stats_reset from pg_stat_archiver),
      (select stats_reset from pg_stat_wal))${
    isNeon
      ? `,
    case when coalesce(current_setting('neon.pgstat_file_size_limit', true), '0') ~ '^0' then pg_postmaster_start_time() end`
      : ""
  })
  from pg_stat_database d where d.datname = current_database())`

export const observedWindow: CatalogQuery<{
  /** ISO instant; null when nobody noted it. */
  readonly since: string | null
}> = {
  name: "observed-window",
  sql: (server) => `select ${isoInstant(observedSince(server))} as since`
}

/** Days as a fraction from the instant `since` to now. */
export const daysSince = (since: string): string => `(extract(epoch from now() - ${since}) / 86400)::float8`

/** What limits every verdict that rests on counted scans. */
export const scanNotes = ({ isNeon, isStandby }: Pick<ServerFacts, "isNeon" | "isStandby">): ReadonlyArray<string> => [
  isStandby
    ? "Scans on the primary and on other standbys are not counted here"
    : "Scans on replicas are not counted here: ask each of them before an index goes",
  "Postgres does not note when an index was made: one made within the observed time was watched for less",
  ...isNeon
    ? ["Counters begin anew with each start of the compute, unless neon.pgstat_file_size_limit keeps them"]
    : []
]
