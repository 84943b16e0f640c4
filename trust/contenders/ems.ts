/** `@ems/db-core`: the outcome of a call is what its error says about the fate. */
import { Database } from "@ems/db-core/connection/Database"
import { Pool } from "@ems/db-core/connection/Pool"
import * as DbCore from "@ems/db-core/DbCore"
import { isDbError } from "@ems/db-core/errors/DbError"
import { defineRelations, eq, sql } from "drizzle-orm"
import { integer, pgTable, text } from "drizzle-orm/pg-core"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { codeOf, type Contender, type ContenderOptions, type Moment, type Outcome } from "./Contender.ts"

const h = pgTable("h", { id: text("id").notNull(), worker: integer("worker").notNull() })
const many = pgTable("many", { n: integer("n").notNull() })
const relations = defineRelations({ h, many })

const is = { NotSent: "failed", Refused: "failed", RolledBack: "failed", Committed: "ok", Unknown: "unknown" } as const

const outcome = (error: unknown): Outcome => {
  // `runPromise` gives an interruption back as an error without a fate: the caller knows nothing.
  if (!isDbError(error)) return { is: "unknown", code: codeOf(error) }
  const { _tag, sqlState } = error.reason
  // A COMMIT that was sent, was not answered, and that the layer says did not take effect: it asked the server. (Where
  // it found the opposite, the call succeeds, and a wrong answer is a loss.)
  const aborted = error.operation === "commit" && error.fate === "RolledBack" && _tag !== "CommitRolledBack"
  return {
    is: is[error.fate],
    code: sqlState === undefined ? _tag : `${_tag} ${sqlState}`,
    resolution: aborted ? "aborted" : undefined
  }
}

export const open = async (options: ContenderOptions): Promise<Contender> => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, {
    url: options.url,
    transport: options.neonProxy === undefined ? "tcp" : "neon",
    neonProxy: options.neonProxy,
    poolMax: options.max,
    poolMaxWaiting: options.maxWaiting,
    acquireTimeout: options.deadlineMs,
    connectTimeout: options.connectTimeoutMs,
    queryTimeout: options.deadlineMs,
    applicationName: "trust-ems"
  }))
  const [database, pool] = await runtime.runPromise(Effect.all([Database.with(relations), Pool]))

  /** What the calls under way do; one that waits for a connection or begins its transaction is only `begun`. */
  const doing = new Map<string, Moment | "begun">()
  const call = <A, E>(id: string, effect: Effect.Effect<A, E, DbCore.DbCore>, signal: AbortSignal): Promise<A> => {
    doing.set(id, "begun")
    return runtime.runPromise(effect, { signal }).finally(() => doing.delete(id))
  }
  const now = (id: string, moment: Moment) => Effect.sync(() => void doing.set(id, moment))
  /** The body of a transaction: behind it comes COMMIT. */
  const body = <A, E, R>(id: string, statement: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
    now(id, "send").pipe(Effect.andThen(statement), Effect.andThen(now(id, "commit")))

  const moment = (id: string): Moment | undefined => {
    const known = doing.get(id)
    if (known !== "begun") return known
    const { acquired, opening, waiting } = Effect.runSync(pool.snapshot)
    const further = [...doing.values()].filter((one) => one !== "begun").length
    // A connection more than the calls that are known to have one: this call may have it, and send BEGIN.
    if (waiting === 0 || acquired > further) return undefined
    return opening === 0 ? "queue" : waiting <= opening ? "connect" : undefined
  }

  return {
    insert: (row, signal) => call(row.id, database.write((db) => body(row.id, db.insert(h).values(row))), signal),
    // Half of the callers let the layer run their transaction again, where it says that is safe.
    transaction: (row, signal) =>
      call(
        row.id,
        database.transaction((tx) => body(row.id, tx.insert(h).values(row)), { retry: row.worker % 2 === 0 }),
        signal
      ),
    read: (id) => runtime.runPromise(database.query((db) => db.select().from(h).where(eq(h.id, id)))),
    stream: (id, signal) =>
      call(id, Stream.runForEach(database.stream((db) => db.select().from(many)), () => now(id, "stream")), signal),
    sleep: (mark, signal) =>
      runtime.runPromise(
        database.query((db) => db.execute(sql.raw(`select pg_sleep(30) /* ${mark} */`)), { cancellable: true }),
        { signal }
      ),
    statement: (text) => runtime.runPromise(database.write((db) => db.execute(sql.raw(text)))),
    close: () => runtime.dispose(),
    outcome,
    moment,
    held: () => {
      const { acquired, sharedStatements, waiting } = Effect.runSync(pool.snapshot)
      return acquired + sharedStatements + waiting
    },
    interruptible: true
  }
}
