/** `GET /`: what can be asked of this server, read off its routes. */
import { Endpoint, Endpoints } from "@ems/schema/contract/Endpoints"
import * as Schema from "effect/Schema"
import { type AnyElysia, Elysia } from "elysia"
import { open } from "../http/Access.ts"
import * as Contract from "../http/Contract.ts"
import { product } from "../product.ts"

const isMethod = Schema.is(Endpoint.fields.method)

const list = (app: AnyElysia): ReadonlyArray<Endpoint> =>
  app.routes
    .flatMap(({ hooks, method, path }) =>
      isMethod(method) ? [{ method, path, description: hooks?.detail?.summary ?? "(not described)" }] : []
    )

/** `app` is the application that this becomes a part of. */
export const index = (app: AnyElysia) =>
  new Elysia().get("/", () => ({ ...product, endpoints: list(app) }), {
    response: { 200: Contract.response(Endpoints) },
    detail: open({ summary: "This list of endpoints", tags: ["server"] })
  })
