/** `/api/auth/…`: logging in, staying so, and out; who one is. */
import { Bootstrap } from "@ems/access/Bootstrap"
import { everyone, type Principal } from "@ems/access/Principal"
import { type Session as IssuedSession, Sessions } from "@ems/access/Sessions"
import { Credentials, FirstAdmin, Me, RefreshRequest, Session } from "@ems/schema/contract/Access"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Elysia } from "elysia"
import { createHash } from "node:crypto"
import { only, open } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { noContent } from "../../http/NoContent.ts"
import * as RequestInfo from "../../http/RequestInfo.ts"
import { limited } from "../../limits/limited.ts"
import type { Runtime } from "../../Runtime.ts"

const tags = ["access"]

const sessionOf = ({ accessToken, expiresIn, refreshExpiresAt, refreshToken }: IssuedSession) => ({
  accessToken,
  tokenType: "Bearer" as const,
  expiresIn,
  refreshToken,
  refreshExpiresAt
})

const meOf = ({ id, kind, name, role, scopes }: Principal) => ({ kind, id, name, role, scopes: [...scopes] })

/** Of one account from wherever; an e-mail is nothing to keep as it is. */
const accountKey = (email: string): string =>
  createHash("sha256").update(email.trim().toLowerCase()).digest("hex").slice(0, 32)

export const session = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia()
    .post("/api/auth/login", ({ body, request }) =>
      respond(
        Effect.gen(function*() {
          // Before the password is looked at: hashing is what costs.
          yield* limited("login", RequestInfo.of(request).address)
          yield* limited("account", accountKey(body.email))
          return sessionOf(yield* Sessions.use((sessions) => sessions.login(body.email, Redacted.make(body.password))))
        }),
        request
      ), {
      body: Contract.request(Credentials),
      response: { 200: Contract.response(Session) },
      detail: open({ summary: "Log in with e-mail and password", tags })
    })
    .post("/api/auth/refresh", ({ body, request }) =>
      respond(
        Effect.gen(function*() {
          yield* limited("login", RequestInfo.of(request).address)
          return sessionOf(yield* Sessions.use((sessions) => sessions.refresh(body.refreshToken)))
        }),
        request
      ), {
      body: Contract.request(RefreshRequest),
      response: { 200: Contract.response(Session) },
      detail: open({
        summary: "Exchange a refresh token",
        description: "Each is good for one exchange. A second one ends the session.",
        tags
      })
    })
    .post("/api/auth/logout", ({ body, request }) =>
      respond(
        Effect.gen(function*() {
          yield* limited("login", RequestInfo.of(request).address)
          yield* Sessions.use((sessions) => sessions.logout(body.refreshToken))
          return noContent()
        }),
        request
      ), {
      body: Contract.request(RefreshRequest),
      detail: open({ summary: "End the session of a refresh token", tags })
    })
    .post("/api/auth/first-admin", ({ body, request, set }) =>
      respond(
        Effect.gen(function*() {
          yield* limited("login", RequestInfo.of(request).address)
          yield* Bootstrap.use((bootstrap) =>
            bootstrap.redeem(body.token, { email: body.email, password: Redacted.make(body.password) })
          )
          set.status = 201
          return sessionOf(yield* Sessions.use((sessions) => sessions.login(body.email, Redacted.make(body.password))))
        }),
        request
      ), {
      body: Contract.request(FirstAdmin),
      response: { 201: Contract.response(Session) },
      detail: open({ summary: "Make the first administrator, with the token that was printed at start", tags })
    })
    .get("/api/auth/me", ({ request }) => meOf(RequestInfo.of(request).principal ?? everyone), {
      response: { 200: Contract.response(Me) },
      detail: only("viewer", "database:read", { summary: "Whose token this is, and what it may", tags })
    })
