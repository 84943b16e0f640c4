/**
 * What a session runs, without its values. `pg_stat_activity` shows the text as it was sent, literals included, and
 * cut off behind `track_activity_query_size`.
 */
import { statementOf } from "../telemetry/Fingerprint.ts"
import { StatementTexts } from "../telemetry/StatementTexts.ts"
import type { ServerFacts } from "./ServerFacts.ts"

const texts = new StatementTexts((sql: string) => statementOf(sql).fingerprint.text)

/** The row with the normal form of its statement. */
export const withoutValues = <Row extends { readonly query: string | null }>(row: Row): Row => ({
  ...row,
  query: row.query === null ? null : texts.get(row.query)
})

/**
 * The column `query` of `pg_stat_activity` under an alias: null where there is none, or where the role may not see it,
 * for which Postgres puts a text in its place.
 */
export const activityText = (alias: string): string =>
  `case when ${alias}.query not in ('', '<insufficient privilege>') then ${alias}.query end`

/** What a role without `pg_read_all_stats` has to know. */
export const sessionNotes = ({ seesAllStats }: ServerFacts): ReadonlyArray<string> =>
  seesAllStats
    ? []
    : ["what other roles' sessions do is not shown: grant pg_read_all_stats to see it"]
