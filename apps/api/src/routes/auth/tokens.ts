/** `/api/auth/tokens`: credentials of machines. Who may make them may make an administrator's. */
import { MachineTokens } from "@ems/access/MachineTokens"
import * as AccessContract from "@ems/schema/contract/Access"
import { Text } from "@ems/schema/contract/Scalars"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import { audited } from "../../http/Audited.ts"
import * as Contract from "../../http/Contract.ts"
import { noContent } from "../../http/NoContent.ts"
import * as RequestInfo from "../../http/RequestInfo.ts"
import type { Runtime } from "../../Runtime.ts"

const tags = ["access"]

export const tokens = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia()
    .get("/api/auth/tokens", ({ request }) =>
      respond(
        Effect.map(MachineTokens.use(({ list }) => list), (items) => ({ items })),
        request
      ), {
      response: { 200: Contract.response(AccessContract.MachineTokens) },
      detail: only("admin", "access:manage", { summary: "The tokens of machines", tags })
    })
    .post("/api/auth/tokens", ({ body: { expiresAt, name, role, scopes }, request, set }) =>
      respond(
        audited(
          request,
          { action: "token.create", target: name },
          MachineTokens.use(({ create }) =>
            create({
              name,
              role,
              scopes,
              expiresAt: expiresAt === undefined ? undefined : DateTime.toDateUtc(DateTime.makeUnsafe(expiresAt)),
              createdBy: RequestInfo.of(request).principal?.id
            })
          )
        ).pipe(Effect.tap(() => Effect.sync(() => set.status = 201))),
        request
      ), {
      body: Contract.request(AccessContract.NewMachineToken),
      response: { 201: Contract.response(AccessContract.IssuedMachineToken) },
      detail: only("admin", "access:manage", {
        summary: "Make a token for a machine",
        description: "It is shown this once.",
        tags
      })
    })
    .delete("/api/auth/tokens/:id", ({ params: { id }, request }) =>
      respond(
        audited(
          request,
          { action: "token.revoke", target: id },
          MachineTokens.use(({ revoke }) => revoke(id))
        ).pipe(Effect.map(noContent)),
        request
      ), {
      params: Contract.request(Schema.Struct({ id: Text.check(Schema.isMaxLength(63)) })),
      detail: only("admin", "access:manage", { summary: "Revoke a token, by id or name", tags })
    })
