/**
 * A transaction on the runner's own session. What became of an unanswered COMMIT is not asked from here: the journals
 * are written in the same transaction, and the next session reads them.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Handle } from "../../connection/Database.ts"
import { DbError } from "../../errors/DbError.ts"

type Db = Handle<AnyRelations>

const rolledBack = DbError.of("CommitRolledBack", "RolledBack", "migrate", {
  message: "the transaction had failed, so COMMIT rolled it back"
})

/** Whether this transaction's id is still assigned, or in its place none: asked to know that COMMIT did commit. */
const statusOf = (db: Db, xid: string) =>
  Effect.map(
    db.execute<{ status: string | null }>(sql`select pg_xact_status(${xid}::xid8) as status`),
    ({ rows: [row] }) => row?.status
  )

/** Commits when `use` succeeds, rolls back when it fails or is interrupted. */
export const atomically = <A, E, R>(db: Db, use: Effect.Effect<A, E, R>): Effect.Effect<A, E | DbError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      yield* restore(db.execute(sql`begin read write`))
      const exit = yield* Effect.exit(restore(use))
      if (Exit.isFailure(exit)) {
        yield* Effect.ignore(db.execute(sql`rollback`))
        return yield* exit
      }
      const { rows: [row] } = yield* db.execute<{ xid: string | null }>(
        sql`select pg_current_xact_id_if_assigned()::text as xid`
      )
      const { command } = yield* db.execute(sql`commit`)
      if (command === "ROLLBACK") return yield* rolledBack
      // Refused with 0A000 or 26000, as a deferred trigger may, COMMIT is sent again by the wire client, and the second
      // one succeeds with nothing left to commit.
      if (typeof row?.xid === "string" && (yield* statusOf(db, row.xid)) !== "committed") return yield* rolledBack
      return exit.value
    })
  )
