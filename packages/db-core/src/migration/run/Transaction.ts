/** A transaction on the runner's own session. */
import type { AnyRelations } from "drizzle-orm"
import * as Effect from "effect/Effect"
import type { Handle } from "../../connection/Database.ts"
import { own } from "../../driver/DrizzleSession.ts"
import type { DbError } from "../../errors/DbError.ts"

/** Commits when `use` succeeds, rolls back when it fails or is interrupted. What `use` runs on `db` is part of it. */
export const atomically = <A, E, R>(
  db: Handle<AnyRelations>,
  use: Effect.Effect<A, E, R>
): Effect.Effect<A, E | DbError, R> => Effect.mapError(db.transaction(() => use), own)
