/** Bare `@effect/sql-pg`, retried as its `isRetryable` invites. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import type { SqlError } from "effect/sql/SqlError"
import { believesErrors, type Contender, type ContenderOptions } from "./Contender.ts"

const retried = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, SqlError, R> =>
  Effect.retry(effect, { while: (error) => error.isRetryable, times: 3 })

export const open = async (options: ContenderOptions): Promise<Contender> => {
  const runtime = ManagedRuntime.make(PgClient.layer({
    url: Redacted.make(options.url),
    ssl: options.tls,
    maxConnections: options.max,
    connectTimeout: Duration.millis(options.connectTimeoutMs),
    applicationName: "trust-sql-pg"
  }))
  const sql = await runtime.runPromise(PgClient.PgClient)
  const timed = <A>(effect: Effect.Effect<A, SqlError>, signal?: AbortSignal) =>
    runtime.runPromise(
      Effect.timeout(effect, Duration.millis(options.deadlineMs)),
      signal === undefined ? {} : { signal }
    )
  const insert = (id: string, worker: number) => sql`insert into h (id, worker) values (${id}, ${worker})`
  return {
    insert: (row, signal) => timed(retried(insert(row.id, row.worker)), signal),
    transaction: (row, signal) => timed(sql.withTransaction(retried(insert(row.id, row.worker))), signal),
    read: (id) => timed(retried(sql`select id, worker from h where id = ${id}`)),
    statement: (text) => timed(sql.unsafe(text)),
    close: () => runtime.dispose(),
    // An interruption is the caller's own doing and says nothing about the statement.
    outcome: (error) =>
      error instanceof Error && error.message.includes("interrupted")
        ? { is: "unknown", code: "interrupted" }
        : believesErrors(error),
    interruptible: true
  }
}
