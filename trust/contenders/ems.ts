/** `@ems/db-core`: the outcome of a call is what its error says about the fate. */
import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import { isDbError } from "@ems/db-core/errors/DbError"
import { defineRelations, eq, sql } from "drizzle-orm"
import { integer, pgTable, text } from "drizzle-orm/pg-core"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { codeOf, type Contender, type ContenderOptions, type Outcome } from "./Contender.ts"

const h = pgTable("h", { id: text("id").notNull(), worker: integer("worker").notNull() })
const relations = defineRelations({ h })

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
    transport: "tcp",
    poolMax: options.max,
    poolMaxWaiting: options.maxWaiting,
    acquireTimeout: options.deadlineMs,
    connectTimeout: options.connectTimeoutMs,
    queryTimeout: options.deadlineMs,
    applicationName: "trust-ems"
  }))
  const database = await runtime.runPromise(Database.with(relations))
  return {
    insert: (row, signal) => runtime.runPromise(database.write((db) => db.insert(h).values(row)), { signal }),
    // Half of the callers let the layer run their transaction again, where it says that is safe.
    transaction: (row, signal) =>
      runtime.runPromise(
        database.transaction((tx) => Effect.asVoid(tx.insert(h).values(row)), { retry: row.worker % 2 === 0 }),
        { signal }
      ),
    read: (id) => runtime.runPromise(database.query((db) => db.select().from(h).where(eq(h.id, id)))),
    statement: (text) => runtime.runPromise(database.write((db) => db.execute(sql.raw(text)))),
    close: () => runtime.dispose(),
    outcome,
    interruptible: true
  }
}
