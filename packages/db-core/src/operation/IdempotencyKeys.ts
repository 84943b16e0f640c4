/**
 * Makes a request with a key take effect once, whoever repeats it, in whichever process, for 24 hours
 * (draft-ietf-httpapi-idempotency-key-header). The key, and later the answer, stand in the database.
 *
 * A process may end between "key stored" and "operation begun", or between "begun" and "answer stored". So the row
 * names the operation before it begins: `begin` must begin it under that id at most once, and `find` must know whether
 * it was begun. Two attempts under one id then collide where the operation is recorded, by its primary key. A row
 * without an answer is taken over after `lease`: it neither runs twice nor blocks for ever.
 *
 * What was refused before anything was done frees its key: to try that again is what a key is for.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Json } from "effect/Schema"
import { createHash } from "node:crypto"
import { internalSchema } from "../catalog/internalSchema.ts"
import { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { IdempotencyError } from "./IdempotencyError.ts"

/** A key is remembered for this long, counted from its first use. Hours. */
const keptHours = 24

/** A row without an answer is somebody's for this long: longer than beginning an operation takes. Seconds. */
export const lease = 60

/** Rows that one claim sweeps away, at most. One claim makes one row, so the table does not grow. */
const sweepBatch = 100

export interface Claim {
  /** Keys of different owners are different keys: a stable id of who asks, 1 to 200 characters. */
  readonly owner: string
  /** 1 to 255 visible ASCII characters. */
  readonly key: string
  /** Of everything that makes the request what it is: see `fingerprintOf`. */
  readonly fingerprint: string
}

export interface Operation<E, R> {
  /** The answer for an operation that was begun under this id; `undefined` when none was. */
  readonly find: (operationId: string) => Effect.Effect<Json | undefined, E, R>
  /** Begins it, and answers. Must fail when something was begun under this id before. */
  readonly begin: (operationId: string) => Effect.Effect<Json, E, R>
  /** Of a failure of `begin`: nothing was begun, and nothing will be. */
  readonly isRefusal: (error: E) => boolean
}

/** Of any JSON values; those that differ in nothing but the order of members are made the same by who calls. */
export const fingerprintOf = (...parts: ReadonlyArray<Json>): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex")

const table = sql.raw(`${internalSchema}.idempotency_key`)
const expired = (alias: string) => sql.raw(`${alias}.created_at < clock_timestamp() - interval '${keptHours} hours'`)

const installed = <A, R>(effect: Effect.Effect<A, DbError, R>): Effect.Effect<A, DbError | IdempotencyError, R> =>
  Effect.mapError(
    effect,
    (error) => error.isMissingTable ? IdempotencyError.of({ _tag: "NotInstalled" }) : error
  )

interface Own {
  readonly operationId: string
  readonly attempt: number
}

interface Theirs {
  readonly operationId: string
  readonly isSame: boolean
  readonly answer: string | null
  readonly leftMs: number
}

/** A row of one's own: a new one, one that expired, or one that nobody looks after any more. */
const claimRow = ({ fingerprint, key, owner }: Claim) =>
  Database.use((database) =>
    database.write((db) =>
      db.execute<Own & Record<string, unknown>>(sql`
insert into ${table} as k (owner, key, fingerprint) values (${owner}::text, ${key}::text, ${fingerprint}::text)
on conflict (owner, key) do update set
  fingerprint = excluded.fingerprint, answer = null, claimed_at = clock_timestamp(),
  operation_id = case when ${expired("k")} then gen_random_uuid() else k.operation_id end,
  attempt = case when ${expired("k")} then 1 else k.attempt + 1 end,
  created_at = case when ${expired("k")} then clock_timestamp() else k.created_at end
where ${expired("k")} or (k.answer is null and k.fingerprint = excluded.fingerprint
  and k.claimed_at < clock_timestamp() - ${sql.raw(`interval '${lease} seconds'`)})
returning k.operation_id::text as "operationId", k.attempt`)
    )
  ).pipe(Effect.map(({ rows: [row] }) => row))

const readRow = ({ fingerprint, key, owner }: Claim) =>
  Database.use((database) =>
    database.query((db) =>
      db.execute<Theirs & Record<string, unknown>>(sql`
select operation_id::text as "operationId", fingerprint = ${fingerprint}::text as "isSame", answer::text as answer,
  greatest(0, extract(epoch from claimed_at - clock_timestamp()) * 1000 + ${sql.raw(String(lease * 1000))})::float8
    as "leftMs"
from ${table} where owner = ${owner}::text and key = ${key}::text`)
    )
  ).pipe(Effect.map(({ rows: [row] }) => row))

const settle = ({ key, owner }: Claim, operationId: string, answer: Json) =>
  Database.use((database) =>
    database.write((db) =>
      db.execute(sql`
update ${table} set answer = ${JSON.stringify(answer)}::text::json
where owner = ${owner}::text and key = ${key}::text and operation_id = ${operationId}::text::uuid and answer is null`)
    )
  ).pipe(
    // The operation is found by its id when the key comes again.
    Effect.catch((error) =>
      Effect.annotateLogs(Effect.logWarning("the answer to an idempotency key was not kept"), {
        reason: error.reason._tag
      })
    )
  )

const release = ({ key, owner }: Claim, { attempt, operationId }: Own) =>
  Database.use((database) =>
    database.write((db) =>
      db.execute(sql`
delete from ${table} where owner = ${owner}::text and key = ${key}::text
  and operation_id = ${operationId}::text::uuid and attempt = ${String(attempt)}::text::integer and answer is null`)
    )
  ).pipe(Effect.ignore)

/** Removes what is older than a day. Also run by every claim, so nobody has to. */
export const sweep: Effect.Effect<void, DbError, Database> = Database.use((database) =>
  database.query((db) =>
    db.execute(sql`
delete from ${table} where (owner, key) in (
  select k.owner, k.key from ${table} k where ${expired("k")} order by k.created_at limit ${sql.raw(String(sweepBatch))}
  for update skip locked)`)
  )
).pipe(Effect.asVoid)

/** An answer was written by `settle`, from JSON. */
const parsed = (answer: string): Json => JSON.parse(answer) as Json

/**
 * Carries out `operation` for `claim`, or answers what was answered to it before. Fails with `KeyReused`, `InProgress`
 * or `NotInstalled`, and with what the operation fails with. Not interrupted once it has the key: a client that goes
 * away may ask again.
 */
export const once = <E, R>(
  claim: Claim,
  { begin, find, isRefusal }: Operation<E, R>
): Effect.Effect<Json, E | DbError | IdempotencyError, R | Database> => {
  const resumed = (operationId: string) =>
    Effect.flatMap(
      find(operationId),
      (answer) => answer === undefined ? Effect.undefined : Effect.as(settle(claim, operationId, answer), answer)
    )

  const own = (row: Own): Effect.Effect<Json, E | DbError, R | Database> =>
    Effect.gen(function*() {
      const { attempt, operationId } = row
      if (attempt === 1) yield* Effect.ignore(sweep)
      else {
        const answer = yield* resumed(operationId)
        if (answer !== undefined) return answer
      }
      const result = yield* Effect.result(begin(operationId))
      if (Result.isSuccess(result)) {
        yield* settle(claim, operationId, result.success)
        return result.success
      }
      // Of a second attempt the first one may still be under way, and be what refuses it: the row stays for it.
      if (isRefusal(result.failure)) {
        if (attempt === 1) yield* release(claim, row)
        return yield* Effect.fail(result.failure)
      }
      // It may have been begun by somebody else, or by us although the answer was lost.
      const answer = yield* Effect.orElseSucceed(resumed(operationId), () => undefined)
      return answer ?? (yield* Effect.fail(result.failure))
    })

  const attempt: Effect.Effect<Json, E | DbError | IdempotencyError, R | Database> = Effect.gen(function*() {
    const mine = yield* installed(claimRow(claim))
    if (mine !== undefined) return yield* own(mine)
    const theirs = yield* installed(readRow(claim))
    // Released in between.
    if (theirs === undefined) return yield* attempt
    if (!theirs.isSame) return yield* IdempotencyError.of({ _tag: "KeyReused" })
    if (theirs.answer !== null) return parsed(theirs.answer)
    const answer = yield* resumed(theirs.operationId)
    return answer ?? (yield* IdempotencyError.of({ _tag: "InProgress", retryAfterMs: theirs.leftMs }))
  })

  return Effect.uninterruptible(attempt)
}
