/** `POST /api/db/activity/:pid/cancel` and `/terminate`: ends somebody's statement or session. */
import { signal, type SignalRequest } from "@ems/db-core/maintenance/SessionSignals"
import { CancelRequest, SessionPath, SessionSignalled, TerminateRequest } from "@ems/schema/contract/SessionSignal"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import { audited } from "../../http/Audited.ts"
import * as Contract from "../../http/Contract.ts"
import { Refused } from "../../http/Failure.ts"
import { ofSessionSignalError } from "../../http/problems/ofSessionSignalError.ts"
import type { Runtime } from "../../Runtime.ts"

const tags = ["activity"]

const notConfirmed = new Refused({
  kind: { status: 422, reason: "NotConfirmed", detail: "The body's confirm is not the process id of the path." }
})

const send = (wanted: SignalRequest, reason: string, request: Request) =>
  audited(request, { action: `session.${wanted.action}`, target: `pid ${wanted.pid}`, reason }, signal(wanted)).pipe(
    Effect.catchTag("SessionSignalError", (error) => Effect.fail(new Refused({ kind: ofSessionSignalError(error) })))
  )

export const sessionSignals = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia()
    .post("/api/db/activity/:pid/cancel", ({ body: { backendStart, reason }, params: { pid }, request }) =>
      respond(send({ action: "cancel", pid, backendStart }, reason, request), request), {
      params: Contract.request(SessionPath),
      body: Contract.request(CancelRequest),
      response: { 200: Contract.response(SessionSignalled) },
      detail: only("operator", "database:signal", {
        summary: "Cancel what a session runs",
        description:
          "Sends pg_cancel_backend, and says whether the statement was over within 2 s. Client sessions of " +
          "this database, and autovacuum workers that do not prevent a wraparound; not this server's own.",
        tags
      })
    })
    .post("/api/db/activity/:pid/terminate", ({ body, params: { pid }, request }) =>
      respond(
        body.confirm === pid
          ? send({ action: "terminate", pid, backendStart: body.backendStart }, body.reason, request)
          : Effect.fail(notConfirmed),
        request
      ), {
      params: Contract.request(SessionPath),
      body: Contract.request(TerminateRequest),
      response: { 200: Contract.response(SessionSignalled) },
      detail: only("operator", "database:signal", {
        summary: "End a session",
        description:
          "Sends pg_terminate_backend, and says whether the session was gone within 2 s. Its transaction is " +
          "rolled back. Client sessions of this database only; not this server's own.",
        tags
      })
    })
