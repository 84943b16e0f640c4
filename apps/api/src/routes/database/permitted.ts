/** What the data layer's role may not see is part of an answer, and no failure. */
import { type Answer, unavailable } from "@ems/db-core/catalog/CatalogQuery"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import * as Effect from "effect/Effect"

const isNotPermitted = (error: unknown): error is DbError =>
  isDbError(error) && error.reason._tag === "InsufficientPrivilege"

export const permitted = <Row, E, R>(
  ask: Effect.Effect<Answer<Row>, E, R>,
  /** What it may not see, such as `the journal of migrations`. */
  what: string
): Effect.Effect<Answer<Row>, E, R> =>
  Effect.catchIf(
    ask,
    isNotPermitted,
    () =>
      Effect.succeed<Answer<Row>>({
        isAvailable: false,
        unavailable: unavailable("privilege", `the role of the data layer may not read ${what}`)
      })
  )
