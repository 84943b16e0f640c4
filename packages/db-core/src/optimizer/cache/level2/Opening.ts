/**
 * What is asked once before the second level is used, and again when the change log began anew: whose answers these
 * are, and what the log still tells from before the first poll.
 */
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { createHash } from "node:crypto"
import { internalSchema } from "../../../catalog/internalSchema.ts"
import type { Statements } from "../../../driver/Statements.ts"
import type { DbError } from "../../../errors/DbError.ts"
import { runtime, version } from "./Envelope.ts"
import type { History, LogHistory } from "./History.ts"

interface Opened {
  /** Differs where the same text may have another answer: another database, role, search path or format. */
  readonly identity: string
  readonly log: LogHistory
}

/** Settings that change what an answer looks like, or which rows it has. */
const settings = [
  "search_path",
  "TimeZone",
  "timezone_abbreviations",
  "DateStyle",
  "IntervalStyle",
  "extra_float_digits",
  "bytea_output",
  "xmlbinary",
  "xmloption",
  "array_nulls",
  "transform_null_equals",
  "standard_conforming_strings",
  "backslash_quote",
  "quote_all_identifiers",
  "row_security",
  "client_encoding",
  "default_text_search_config",
  "lc_monetary",
  "lc_numeric",
  "lc_time",
  "gin_fuzzy_search_limit",
  "server_version_num"
]

/** The settings with a dot in their name are those of extensions and policies. */
const openingSql = `select
  jsonb_build_array(
    (select system_identifier::text from pg_control_system()),
    (select oid::text from pg_database where datname = current_database()),
    current_user, (select oid::text from pg_roles where rolname = current_user), session_user, current_schemas(false),
    array[${settings.map((name) => `current_setting('${name}', true)`).join(", ")}],
    (select array_agg(array[name, setting] order by name) from pg_settings where name like '%.%')
  )::text as identity,
  pg_current_snapshot()::text as snapshot,
  (select id::text from ${internalSchema}.epoch) as epoch,
  (select snapshot::text from ${internalSchema}.tick order by k limit 1) as since,
  (select string_agg(relid || ':' || xids, ',') from (
    select relid, case when count(*) <= 16 then string_agg(xid::text, '+') else '' end as xids
    from (select distinct relid, xid from ${internalSchema}.change) each group by relid
  ) found) as changed`

interface Row extends LogHistory {
  readonly identity: string
}

const ask = ({ quiet }: Pick<Statements, "quiet">): Effect.Effect<Opened, DbError> =>
  Effect.scoped(
    Effect.flatMap(quiet, (connection) =>
      Effect.map(connection.rows<Row>(openingSql), ([row]) => {
        // It has no FROM.
        const { identity, ...log } = row!
        return { identity, log }
      }))
  )

export interface OpenerWiring {
  readonly statements: Pick<Statements, "quiet">
  readonly within: <A>(effect: Effect.Effect<A, DbError>) => Effect.Effect<A, DbError>
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly clock: Clock
}

/** After it failed it is tried again. Milliseconds. */
const retryAfter = 1000

export class Opener {
  private readonly wiring: OpenerWiring
  private readonly history: History
  private known: string | undefined
  private knownFor = 0
  private isOpening = false
  private retryAt = 0

  constructor(wiring: OpenerWiring, history: History) {
    this.wiring = wiring
    this.history = history
  }

  /** How all keys of this process begin. `undefined` until that is known: it is being asked. */
  get prefix(): string | undefined {
    const { clock, fork, statements, within } = this.wiring
    const { version: wanted } = this.history
    if (this.known !== undefined && this.knownFor === wanted) return this.known
    if (this.isOpening || wanted === 0 || clock.currentTimeMillisUnsafe() < this.retryAt) return undefined
    this.isOpening = true
    fork(Effect.match(within(ask(statements)), {
      onFailure: () => {
        this.isOpening = false
        this.retryAt = clock.currentTimeMillisUnsafe() + retryAfter
      },
      onSuccess: ({ identity, log }) => {
        this.isOpening = false
        this.knownFor = wanted
        const whose = createHash("sha256").update(identity).digest("base64url").slice(0, 22)
        this.known = `ems:${version}:${runtime}:${whose}:`
        this.history.extend(log, wanted)
      }
    }))
    return undefined
  }
}
