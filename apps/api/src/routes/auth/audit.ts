/** `GET /api/audit`: who did what, when, and what became of it. */
import { Audit } from "@ems/access/Audit"
import { AuditLog, AuditQuery } from "@ems/schema/contract/Access"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

export const audit = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get(
    "/api/audit",
    ({ query, request }) => respond(Effect.map(Audit.use(({ list }) => list(query)), (items) => ({ items })), request),
    {
      query: Contract.request(AuditQuery),
      response: { 200: Contract.response(AuditLog) },
      detail: only("admin", "access:manage", {
        summary: "The audit log",
        description: "Every change that was asked for, by whom and why, the latest first.",
        tags: ["access"]
      })
    }
  )
