/**
 * Who did what: an intent before, an outcome after. Append-only: triggers refuse UPDATE, DELETE and TRUNCATE, to the
 * owner of the table too. So how long entries are kept is not ours to decide: who must shorten the log does it as a
 * superuser, who can disable a trigger and is seen doing it in Postgres's own log.
 *
 * An intent without an outcome means that it is not known what came of it: the process ended, or the database could not
 * be written to. Or it is going on.
 */
import { isoInstant } from "@ems/db-core/catalog/ServerFacts"
import { Database } from "@ems/db-core/connection/Database"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import { sql } from "drizzle-orm"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { AccessError, installed } from "./AccessError.ts"
import { auditLog } from "./accessSql.ts"
import type { Principal } from "./Principal.ts"

export interface Intent {
  readonly principal: Principal
  /** What is about to be done, such as `maintenance.vacuumTables`; at most 100 characters. */
  readonly action: string
  /** To what; at most 500 characters. */
  readonly target: string
  /** Why, in the words of whoever wants it; at most 500 characters. */
  readonly reason?: string | undefined
  /** At most 100 characters. */
  readonly requestId?: string | undefined
}

export type Outcome = "succeeded" | "failed" | "interrupted"

export interface AuditEntry {
  readonly id: string
  /** ISO instants. */
  readonly at: string
  readonly finishedAt: string | null
  readonly actor: string
  readonly actorName: string
  readonly action: string
  readonly target: string
  readonly reason: string | null
  readonly requestId: string | null
  /** Null: not known. */
  readonly outcome: Outcome | null
  /** Why it failed: one word, never a message. */
  readonly detail: string | null
}

export class Audit extends Context.Service<Audit, {
  /**
   * Runs `effect` between its intent and its outcome. Does not run it when the intent cannot be written: fails with
   * `InvalidInput`, `NotInstalled` or a `DbError` then. An outcome that cannot be written within 5 s is logged, and
   * changes nothing about the result. Not for use inside a transaction, which would take the record back with itself.
   */
  readonly record: <A, E, R>(
    intent: Intent,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | AccessError | DbError, R>
  /** The latest first, at most `limit` (1 to 200, default 50); those before the entry with the id `before`. */
  readonly list: (page?: {
    readonly limit?: number | undefined
    readonly before?: string | undefined
  }) => Effect.Effect<ReadonlyArray<AuditEntry>, AccessError | DbError>
}>()("@ems/access/Audit") {
  static readonly layerNoDeps = () => Layer.effect(Audit, make)
}

/** How long one attempt at writing an entry may take, and all attempts at an outcome. Milliseconds. */
const writeTimeout = 5000

const table = sql.raw(auditLog)

/** Postgres takes no NUL, and half a surrogate would be kept as another character. */
const isText = (text: string | undefined, max: number): boolean =>
  text === undefined || (text.length <= max && text.isWellFormed() && !text.includes("\0"))

const word = (text: unknown): string | undefined =>
  typeof text === "string" && /^[\w.:-]{1,64}$/.test(text) ? text : undefined

/** One word for a cause: the reason of a typed error. Messages stay out: they may hold anything. */
const detailOf = (cause: Cause.Cause<unknown>): string => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return "defect"
  const reason = Predicate.hasProperty(error, "reason") ? error.reason : undefined
  return (Predicate.hasProperty(reason, "_tag") ? word(reason._tag) : undefined) ??
    (Predicate.hasProperty(error, "_tag") ? word(error._tag) : undefined) ?? "error"
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): readonly [Outcome, string | null] => {
  if (Exit.isSuccess(exit)) return ["succeeded", null]
  return Cause.hasInterruptsOnly(exit.cause) ? ["interrupted", null] : ["failed", detailOf(exit.cause)]
}

/** A second attempt changes nothing, so that it does not matter what became of the first. */
const mayBeTriedAgain = (error: DbError): boolean => error.isTransient || error.reason._tag === "CommitUnknown"

const attempts = Schedule.exponential("100 millis").pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 5 }),
  Schedule.while(({ input }) => isDbError(input) && mayBeTriedAgain(input))
)

const make = Effect.gen(function*() {
  const database = yield* Database

  const begin = ({ action, principal, reason, requestId, target }: Intent) =>
    Effect.gen(function*() {
      if (!isText(action, 100) || action === "") return yield* AccessError.input("action", "1 to 100 characters")
      if (!isText(target, 500)) return yield* AccessError.input("target", "at most 500 characters, without NUL")
      if (!isText(reason, 500)) return yield* AccessError.input("reason", "at most 500 characters, without NUL")
      if (!isText(requestId, 100)) return yield* AccessError.input("requestId", "at most 100 characters")
      const { rows: [row] } = yield* database.write((db) =>
        db.execute<{ id: string }>(sql`
insert into ${table} (phase, actor, actor_name, action, target, reason, request_id) values ('intent',
  ${principal.id}::text, ${principal.name}::text, ${action}::text, ${target}::text, ${reason ?? null}::text,
  ${requestId ?? null}::text
) returning id::text as id`), { timeout: writeTimeout })
      return row === undefined ? yield* Effect.die(new Error("INSERT … RETURNING gave no row")) : row.id
    })

  const finish = (id: string, exit: Exit.Exit<unknown, unknown>) => {
    const [outcome, detail] = outcomeOf(exit)
    return database.write((db) =>
      db.execute(sql`
insert into ${table} (phase, intent_id, outcome, detail) values ('outcome', ${id}::text::bigint, ${outcome}::text,
  ${detail}::text) on conflict (intent_id) do nothing`), { timeout: writeTimeout }).pipe(
        Effect.retry(attempts),
        Effect.timeoutOption(writeTimeout),
        Effect.flatMap((done) => Option.isSome(done) ? Effect.void : Effect.fail("timeout" as const)),
        Effect.catch((error) =>
          Effect.logError("the outcome of an audited action was not written").pipe(
            Effect.annotateLogs({ intent: id, outcome, because: isDbError(error) ? error.reason._tag : error })
          )
        )
      )
  }

  return {
    record: (intent, effect) =>
      // The intent is not interrupted either: one that was written gets its outcome.
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const id = yield* installed(begin(intent))
          const exit = yield* Effect.exit(restore(effect))
          yield* finish(id, exit)
          return yield* exit
        })
      ),
    list: Effect.fn("Audit.list")(function*({ before, limit = 50 } = {}) {
      if (!Number.isInteger(limit) || limit < 1 || limit > 200) {
        return yield* AccessError.input("limit", "a whole number from 1 to 200")
      }
      if (before !== undefined && !/^\d{1,18}$/.test(before)) {
        return yield* AccessError.input("before", "the id of an entry")
      }
      const { rows } = yield* database.query((db) =>
        db.execute<AuditEntry & Record<string, unknown>>(sql`
select i.id::text as id, ${sql.raw(isoInstant("i.at"))} as at, ${sql.raw(isoInstant("o.at"))} as "finishedAt", i.actor,
  i.actor_name as "actorName", i.action, i.target, i.reason, i.request_id as "requestId", o.outcome, o.detail
from ${table} i left join ${table} o on o.intent_id = i.id
where i.phase = 'intent' and i.id < coalesce(${before ?? null}::text::bigint, 9223372036854775807)
order by i.id desc limit ${String(limit)}::text::integer`)
      )
      return rows
    }, installed)
  } satisfies Audit["Service"]
})
