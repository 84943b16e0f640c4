/** What the work of a request may fail with, and what the client is told of it. */
import type { AccessError } from "@ems/access/AccessError"
import type { DbError } from "@ems/db-core/errors/DbError"
import type { MaintenanceError } from "@ems/db-core/maintenance/MaintenanceError"
import * as Data from "effect/Data"
import * as Problem from "./Problem.ts"
import { ofAccessError } from "./problems/ofAccessError.ts"
import { ofMaintenanceError } from "./problems/ofMaintenanceError.ts"

/** A route's own refusal. */
export class Refused extends Data.TaggedError("Refused")<{ readonly kind: Problem.Kind }> {}

export type Failure = DbError | AccessError | MaintenanceError | Refused

export const kindOf = (failure: Failure, request: Request): Problem.Kind => {
  switch (failure._tag) {
    case "DbError":
      return Problem.ofDbError(failure, request)
    case "AccessError":
      return ofAccessError(failure)
    case "MaintenanceError":
      return ofMaintenanceError(failure)
    case "Refused":
      return failure.kind
  }
}
