/** The served OpenAPI document, as far as requests are made from it. */
import { statusOf, Wires } from "./Wire.ts"

/** JSON Schema, as far as the contracts use it. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
}

export interface Parameter {
  readonly name: string
  readonly in: "path" | "query" | "header"
  readonly schema: JsonSchema
}

interface Described {
  readonly parameters?: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
  readonly security?: unknown
}

export interface Operation {
  /** In capitals. */
  readonly method: string
  /** With `{name}` where a parameter stands. */
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  readonly body: JsonSchema | undefined
  /** It says who may call it. */
  readonly hasSecurity: boolean
}

interface Served {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

export class OpenApi {
  readonly operations: ReadonlyArray<Operation>
  private readonly schemas: Readonly<Record<string, JsonSchema>>

  private constructor({ components, paths }: Served) {
    this.schemas = components.schemas
    this.operations = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { parameters = [], requestBody, security }]) => {
        const body = requestBody?.content["application/json"]?.schema
        // A harness that knows no shape would send nothing but noise.
        if (requestBody !== undefined && body === undefined) {
          throw new Error(`${method.toUpperCase()} ${path}: the document does not say what its body is`)
        }
        return { method: method.toUpperCase(), path, parameters, body, hasSecurity: Array.isArray(security) }
      })
    )
  }

  static async of(url: string): Promise<OpenApi> {
    const wires = new Wires(url)
    const answer = await wires.ask({ target: "/openapi/json" })
    wires.close()
    if (typeof answer === "string" || answer.status !== 200) {
      throw new Error(`the OpenAPI document was not served: ${statusOf(answer)}`)
    }
    // A cast: what is not as described fails where it is used, and the run with it.
    return new OpenApi(JSON.parse(answer.body) as Served)
  }

  resolve(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.split("/").at(-1)
    return name === undefined ? schema : this.resolve(this.schemas[name] ?? {})
  }
}
