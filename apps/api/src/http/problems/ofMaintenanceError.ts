/** Why maintenance was not done, for the client. Names of objects and sessions are what an operator needs to know. */
import type { MaintenanceError } from "@ems/db-core/maintenance/MaintenanceError"
import type { Kind } from "../Problem.ts"

export const ofMaintenanceError = ({ message, reason }: MaintenanceError): Kind => {
  switch (reason._tag) {
    case "RunnerBusy":
      return {
        status: 409,
        reason: reason._tag,
        detail: message,
        more: {
          runner: {
            pid: reason.pid,
            application: reason.application,
            action: reason.action,
            actor: reason.actor,
            jobId: reason.jobId,
            since: reason.since
          }
        }
      }
    case "LockTimeout":
      return { status: 409, reason: reason._tag, detail: message, headers: { "retry-after": "30" } }
    case "UnknownObject":
      // Not the error's message: it repeats the name, which is whatever the client sent.
      return {
        status: reason.kind === "job" ? 404 : 422,
        reason: reason._tag,
        detail: `There is no such ${reason.kind}` +
          (reason.nearest.length === 0 ? "." : `; did you mean ${reason.nearest.join(" or ")}?`)
      }
    case "Unsupported":
      return { status: 422, reason: reason._tag, detail: message }
    case "Cancelled":
      return { status: 409, reason: reason._tag, detail: message }
  }
}
