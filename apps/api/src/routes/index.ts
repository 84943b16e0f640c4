/** `GET /`: what can be asked of this server, read off its routes. */
import { Endpoint, Endpoints } from "@ems/schema/contract/Endpoints"
import { type AnyElysia, Elysia } from "elysia"
import * as Contract from "../http/Contract.ts"
import { product } from "../product.ts"

type Method = Endpoint["method"]

const methods: ReadonlySet<string> = new Set(Endpoint.fields.method.literals)

const list = (app: AnyElysia): ReadonlyArray<Endpoint> =>
  app.routes
    .filter(({ method }) => methods.has(method))
    .map(({ hooks, method, path }) => ({
      method: method as Method,
      path,
      description: hooks?.detail?.summary ?? "(not described)"
    }))

/** `app` is the application that this becomes a part of. */
export const index = (app: AnyElysia) =>
  new Elysia().get("/", () => ({ ...product, endpoints: list(app) }), {
    response: { 200: Contract.response(Endpoints) },
    detail: { summary: "This list of endpoints", tags: ["server"] }
  })
