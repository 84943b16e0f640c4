/**
 * `GET /openapi/json` and the page that shows it. The plugin's document and page are used without its routes: those
 * are hidden from both lists, print to the console, and load whatever version of the page's script is the latest.
 */
import { toOpenAPISchema } from "@elysiajs/openapi"
import { ScalarRender } from "@elysiajs/openapi/scalar"
import * as ProblemContract from "@ems/schema/contract/Problem"
import * as JsonSchema from "effect/JsonSchema"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type AnyElysia, Elysia } from "elysia"
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

const page = ScalarRender(info, {
  url: "openapi/json",
  cdn: "https://cdn.jsdelivr.net/npm/@scalar/api-reference@1.72.1/dist/browser/standalone.min.js"
})

/** The page's script, its styles and the document; nothing of any other origin. */
const pagePolicy = "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; " +
  "style-src 'unsafe-inline' https://cdn.jsdelivr.net; font-src https://fonts.scalar.com data:; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'"

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
    .get("/openapi", ({ set }) => {
      set.headers["content-type"] = "text/html; charset=utf-8"
      set.headers["content-security-policy"] = pagePolicy
      return page
    }, { detail: open({ summary: "The OpenAPI document as a page", tags: ["server"] }) })
}
