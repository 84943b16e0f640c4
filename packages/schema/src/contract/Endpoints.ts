/** `GET /`: what can be asked of this server. */
import * as Schema from "effect/Schema"
import { Text } from "./Scalars.ts"

export const Endpoint = Schema.Struct({
  method: Schema.Literals(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
  /** Path from the root of the server, parameters as `:name`. */
  path: Schema.String.check(Schema.isPattern(/^\/\S*$/u, { expected: "a path that begins with /" })),
  description: Text
})
export type Endpoint = typeof Endpoint.Type

export const Endpoints = Schema.Struct({
  /** The product's name. */
  name: Text,
  /** The product's version, `major.minor.patch` with an optional pre-release. */
  version: Schema.String.check(
    Schema.isPattern(/^\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?$/u, { expected: "a version such as 1.2.3" })
  ),
  endpoints: Schema.Array(Endpoint)
})
export type Endpoints = typeof Endpoints.Type
