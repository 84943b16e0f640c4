/**
 * `GET /openapi/json` and the page that shows it. The plugin's document is used without its routes: those are hidden
 * from both lists, print to the console, and show a page whose script comes from somebody else's server.
 */
import { toOpenAPISchema } from "@elysiajs/openapi"
import * as ProblemContract from "@ems/schema/contract/Problem"
import * as JsonSchema from "effect/JsonSchema"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type AnyElysia, Elysia } from "elysia"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { open } from "../http/Access.ts"
import * as Contract from "../http/Contract.ts"
import * as Problem from "../http/Problem.ts"
import { product } from "../product.ts"

const openapiVersion = "3.1.2"
const info = {
  title: product.name,
  version: product.version,
  description: "Errors are answered as application/problem+json. Every answer carries x-request-id."
}

/** Paths are relative: a proxy may have put the server under a path of its own. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}</title>
<link rel="stylesheet" href="openapi/assets/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="ui"></div>
<script src="openapi/assets/swagger-ui-bundle.js"></script>
<script src="openapi/assets/start.js"></script>
</body>
</html>
`

/** No script but our own files; Swagger UI sets styles and images of its own inline. */
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'"

const start =
  "SwaggerUIBundle({ url: \"openapi/json\", dom_id: \"#ui\", deepLinking: true, persistAuthorization: false })\n"

const AssetName = Schema.Literals(["swagger-ui.css", "swagger-ui-bundle.js", "start.js"])
const AssetPath = Schema.Struct({ name: AssetName })

const assets: { readonly [Name in typeof AssetName.Type]: { readonly type: string; readonly read: () => string } } = {
  "swagger-ui.css": { type: "text/css", read: () => fileOf("swagger-ui-dist/swagger-ui.css") },
  "swagger-ui-bundle.js": { type: "text/javascript", read: () => fileOf("swagger-ui-dist/swagger-ui-bundle.js") },
  "start.js": { type: "text/javascript", read: () => start }
}

const fileOf = (specifier: string): string => readFileSync(fileURLToPath(import.meta.resolve(specifier)), "utf8")

/** JSON Schema of a contract; what it defines by name goes to `definitions`, for the document's components. */
const toJsonSchema = (contract: Schema.Top, definitions: Record<string, JsonSchema.JsonSchema>) => {
  const { definitions: own, dialect, schema } = Schema.toJsonSchemaDocument(contract)
  const document = JsonSchema.toMultiDocumentOpenApi3_1({ dialect, schemas: [schema], definitions: own })
  Object.assign(definitions, document.definitions)
  return document.schemas[0]
}

interface Operation {
  requestBody?: unknown
  responses?: Record<string, unknown>
}

const operationOf = (
  paths: Readonly<Record<string, unknown>>,
  method: string,
  path: string
): Operation | undefined => {
  const operations = paths[path.replace(/:([^/]+)/g, "{$1}")]
  const verb = method.toLowerCase()
  return Predicate.hasProperty(operations, verb) && Predicate.isObject(operations[verb]) ? operations[verb] : undefined
}

const describe = (app: AnyElysia) => {
  const definitions: Record<string, JsonSchema.JsonSchema> = {}
  definitions["Problem"] = toJsonSchema(ProblemContract.Problem, definitions)
  const { components, paths } = toOpenAPISchema(
    app,
    undefined,
    undefined,
    { effect: (wire: unknown) => Contract.isWire(wire) ? toJsonSchema(wire.contract, definitions) : undefined },
    openapiVersion
  )
  // The plugin leaves out the bodies that a hook of ours reads: all of them.
  for (const { hooks, method, path } of app.routes) {
    const operation = operationOf(paths, method, path)
    if (operation === undefined || !Contract.isWire(hooks?.body)) continue
    operation.requestBody = {
      required: true,
      content: { "application/json": { schema: toJsonSchema(hooks.body.contract, definitions) } }
    }
  }
  for (const operations of Object.values(paths)) {
    for (const operation of Object.values(operations ?? {}) as ReadonlyArray<Operation>) {
      operation.responses = { ...operation.responses, default: { $ref: "#/components/responses/Problem" } }
    }
  }
  return {
    openapi: openapiVersion,
    info,
    paths,
    components: {
      schemas: { ...components.schemas, ...definitions },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "An access token of POST /api/auth/login, or a machine's token"
        }
      },
      responses: {
        Problem: {
          description: "What went wrong",
          content: { [Problem.contentType]: { schema: { $ref: "#/components/schemas/Problem" } } }
        }
      }
    }
  }
}

/** `app` is the application that this becomes a part of. */
export const openapi = (app: AnyElysia) => {
  let document: ReturnType<typeof describe> | undefined
  let describedRoutes = 0
  return new Elysia()
    .get("/openapi/json", () => {
      if (document === undefined || describedRoutes !== app.routes.length) {
        document = describe(app)
        describedRoutes = app.routes.length
      }
      return document
    }, { detail: open({ summary: "The OpenAPI document", tags: ["server"] }) })
    .get("/openapi/assets/:name", ({ params: { name }, set }) => {
      const { read, type } = assets[name]
      set.headers["content-type"] = `${type}; charset=utf-8`
      // They change with the server's version, and are large.
      set.headers["cache-control"] = "public, max-age=3600"
      return read()
    }, {
      params: Contract.request(AssetPath),
      detail: open({ summary: "What the page is made of", tags: ["server"] })
    })
    .get("/openapi", ({ set }) => {
      set.headers["content-type"] = "text/html; charset=utf-8"
      set.headers["content-security-policy"] = pagePolicy
      return page
    }, { detail: open({ summary: "The OpenAPI document as a page", tags: ["server"] }) })
}
