/**
 * Server settings worth changing: the advice as data, each with its reason and its source.
 *
 * What memory may be used (`work_mem` times sessions) is not in it: how much there is Postgres does not know.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual, type Severity } from "./Finding.ts"
import type { ServerFacts } from "./ServerFacts.ts"

export interface SettingRow {
  readonly name: string
  /** In its base unit. */
  readonly value: string
  readonly unit: string | null
  /** Where it comes from: `default`, `configuration file`, `database`, `user`, … as in `pg_settings`. */
  readonly source: string
  /**
   * This session set it itself, so that the server's own value is not known. A setting of the role or the database
   * counts as the server's.
   */
  readonly isOwn: boolean
  readonly isRestartPending: boolean
}

interface Advice {
  readonly name: string
  readonly isWrong: (value: string) => boolean
  readonly severity: Severity
  /** What follows. */
  readonly impact: string
  /** To set instead; null where the right one depends on what runs there. */
  readonly better: string | null
  /** Where it is no mistake. */
  readonly except?: (server: ServerFacts) => boolean
  readonly source: string
}

const isOff = (value: string): boolean => value === "off"
const isZero = (value: string): boolean => Number(value) === 0
const onNeon = ({ isNeon }: ServerFacts): boolean => isNeon

/** Each with the page of the manual that says so, unless it is ours. */
export const advice: ReadonlyArray<Advice> = [
  {
    name: "fsync",
    isWrong: isOff,
    severity: "error",
    impact: "A crash of the machine can destroy the whole database",
    better: "on",
    // There the log is kept by other servers, and the local files are a cache.
    except: onNeon,
    source: "runtime-config-wal.html#GUC-FSYNC"
  },
  {
    name: "full_page_writes",
    isWrong: isOff,
    severity: "error",
    impact: "A page that a crash of the machine leaves half written cannot be mended",
    better: "on",
    except: onNeon,
    source: "runtime-config-wal.html#GUC-FULL-PAGE-WRITES"
  },
  {
    name: "zero_damaged_pages",
    isWrong: (value) => value === "on",
    severity: "error",
    impact: "A damaged page is emptied when it is read, and its rows are gone",
    better: "off",
    source: "runtime-config-developer.html#GUC-ZERO-DAMAGED-PAGES"
  },
  {
    name: "autovacuum",
    isWrong: isOff,
    severity: "error",
    impact: "Dead rows stay, statistics age, and in the end writes stop for wraparound",
    better: "on",
    source: "runtime-config-vacuum.html#GUC-AUTOVACUUM"
  },
  {
    name: "track_counts",
    isWrong: isOff,
    severity: "error",
    impact: "Autovacuum does not know where to work, and does not",
    better: "on",
    source: "runtime-config-statistics.html#GUC-TRACK-COUNTS"
  },
  {
    name: "enable_indexscan",
    isWrong: isOff,
    severity: "warn",
    impact: "The planner avoids indexes everywhere: it is a setting for trying things out",
    better: "on",
    source: "runtime-config-query.html#GUC-ENABLE-INDEXSCAN"
  },
  {
    name: "enable_seqscan",
    isWrong: isOff,
    severity: "warn",
    impact: "The planner takes indexes where reading the table is faster: it is a setting for trying things out",
    better: "on",
    source: "runtime-config-query.html#GUC-ENABLE-SEQSCAN"
  },
  {
    name: "idle_in_transaction_session_timeout",
    isWrong: isZero,
    severity: "info",
    impact: "A client that forgot its transaction keeps its locks, and VACUUM from its work, for ever",
    better: "5min",
    source: "runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT"
  },
  {
    name: "statement_timeout",
    isWrong: isZero,
    severity: "info",
    impact: "Nothing ends a statement whose client has gone; set it for the roles of programs, not for the server",
    better: null,
    source: "runtime-config-client.html#GUC-STATEMENT-TIMEOUT"
  },
  {
    name: "synchronous_commit",
    isWrong: isOff,
    severity: "info",
    impact: "A crash loses what was committed in the last moments before it (up to 3 wal_writer_delay)",
    better: "on",
    source: "runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT"
  },
  {
    name: "checkpoint_completion_target",
    isWrong: (value) => Number(value) < 0.9,
    severity: "info",
    impact: "Checkpoints write all at once, and statements wait for the disk meanwhile",
    better: "0.9",
    except: onNeon,
    source: "runtime-config-wal.html#GUC-CHECKPOINT-COMPLETION-TARGET"
  },
  {
    name: "checkpoint_timeout",
    isWrong: (value) => Number(value) < 300,
    severity: "info",
    impact: "Every page is logged whole after each checkpoint: the more often, the more log",
    better: "5min",
    except: onNeon,
    source: "runtime-config-wal.html#GUC-CHECKPOINT-TIMEOUT"
  },
  {
    name: "random_page_cost",
    isWrong: (value) => Number(value) >= 4,
    severity: "info",
    impact: "4 is for discs that turn; on SSDs it makes the planner avoid indexes",
    better: "1.1",
    source: "runtime-config-query.html#GUC-RANDOM-PAGE-COST"
  },
  {
    name: "track_io_timing",
    isWrong: isOff,
    severity: "info",
    impact: "How long statements wait for the disk is not recorded",
    better: "on",
    source: "runtime-config-statistics.html#GUC-TRACK-IO-TIMING"
  }
]

export const settings: CatalogQuery<SettingRow> = {
  name: "settings",
  sql: () => `
select name, setting as value, unit, source, source in ('client', 'session') as "isOwn",
  pending_restart as "isRestartPending"
from pg_settings
where name in (${advice.map(({ name }) => `'${name}'`).join()}) or pending_restart
order by name`
}

export const settingCheck = checkOf({
  name: "setting",
  title: "Settings worth changing",
  query: settings,
  thresholds: {},
  judge: (rows, { server }) =>
    rows.flatMap((row) => {
      const { isOwn, isRestartPending, name, source, value } = row
      const object = { kind: "setting", name } as const
      const evidence = { value, unit: row.unit, source }
      const found = advice.find((its) => its.name === name)
      const wrong = found !== undefined && !isOwn && found.isWrong(value) && found.except?.(server) !== true
          // An embedded database has no workers: nobody could change that.
          && !(server.backend === "embedded" &&
            (name === "autovacuum" || name === "fsync" || name === "full_page_writes"))
        ? [{
          severity: found.severity,
          object,
          summary: `${name} is ${value}${row.unit === null ? "" : ` ${row.unit}`}`,
          evidence,
          impact: found.impact,
          remediation: found.better === null
            ? null
            : `alter system set ${name} = '${found.better}';\nselect pg_reload_conf();`,
          documentation: manual(found.source)
        }]
        : []
      const pending = isRestartPending
        ? [{
          severity: "info" as const,
          object,
          key: ["restart"],
          summary: `${name} was changed, and waits for a restart of the server`,
          evidence,
          impact: "Until then the old value is in force",
          remediation: null,
          documentation: manual("view-pg-settings.html")
        }]
        : []
      return [...wrong, ...pending]
    })
})
