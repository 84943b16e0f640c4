/** Requests as they are meant, made from the OpenAPI document: what is mutated begins as something that works. */
import type { JsonSchema, OpenApi, Operation } from "../OpenApi.ts"
import { planted } from "./Canaries.ts"
import type { Dice } from "./Dice.ts"
import type { Known } from "./Suspect.ts"

export interface Valid {
  readonly operation: Operation
  readonly path: ReadonlyMap<string, string>
  readonly query: ReadonlyMap<string, string>
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** Of no session. */
const pid = "2147483600"

/**
 * What reads; the last ones make the server put a row into its own error, which must stay there. Planted are literals and
 * comments: the names in a statement are what those who look after the database are shown of it.
 */
const statements: ReadonlyArray<string> = [
  "select 1",
  `select * from users where email = '${planted}'`,
  "select 1 as \"a name \"\" with quotes\"",
  `select $1::text /* ${planted} */`,
  "select * from events e join registrations r on r.event_id = e.id where e.status = $1",
  `update users set name = '${planted}' where id = 1`,
  "select * from nothing_of_that_name",
  `select ${"1+".repeat(200)}1`,
  "select name::int from users order by id % 10",
  "select name::date from users where id % 10 = 0",
  "select (name || email)::inet from users where id % 10 = 0",
  `with x as (select '${planted}'::int) select * from x`
]

/** Whether a member of JSON text holds one of them. */
export const isStatement = (member: string): boolean =>
  statements.some((statement) => member === `"sql":${JSON.stringify(statement)}`)

const named = (name: string, { event, job }: Known, path: string, dice: Dice): string | undefined => {
  switch (name) {
    case "sql":
      return dice.of(statements)
    case "id":
      return path.includes("/events/{id}") ? event : path.includes("/jobs/") ? job : "0"
    case "pid":
      return pid
    case "limit":
      return String(1 + dice.below(200))
    case "offset":
      return String(dice.below(100))
    case "threshold":
      return "10"
    case "before":
      return "100"
    case "expiresAt":
    case "backendStart":
      return "2030-01-01T00:00:00.000Z"
    case "tables":
      return dice.of(["users", "events", "public.registrations"])
    case "indexes":
      return dice.of(["idx_users_email", "idx_users_created_at"])
    case "email":
      return "nobody@example.org"
    case "name":
      return `t${dice.below(1e9)}`
    case "reason":
      return `because of ${planted}`
    default:
      return undefined
  }
}

const sample = (
  document: OpenApi,
  given: JsonSchema,
  name: string,
  of: (name: string) => string | undefined,
  dice: Dice
): unknown => {
  const schema = document.resolve(given)
  if (schema.enum !== undefined) return dice.of(schema.enum)
  if (schema.anyOf !== undefined) return sample(document, dice.of(schema.anyOf), name, of, dice)
  switch (schema.type) {
    case "boolean":
      return dice.isLucky(0.5)
    case "integer":
    case "number":
      // A tenth of a second is enough to plan, and to run, what is asked here.
      return name === "confirm" ? Number(pid) : name === "timeoutMs" ? 2000 : schema.minimum ?? 1
    case "null":
      return null
    case "array":
      return [sample(document, schema.items ?? {}, name, of, dice)]
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([member]) => schema.required?.includes(member) === true || dice.isLucky(0.4))
          .map(([member, inner]) => [member, sample(document, inner, member, of, dice)])
      )
    default:
      return of(name) ?? planted
  }
}

/** Harmless whatever is made of it: nothing is done to the database but what it was made for. */
const tamed = (path: string, body: Record<string, unknown>, dice: Dice): Record<string, unknown> => {
  if (path !== "/api/db/maintenance") return body
  return dice.isLucky(0.02)
    ? { action: "analyzeTables", tables: ["users"], reason: `because of ${planted}` }
    : { ...body, dryRun: true }
}

export const validRequest = (document: OpenApi, operation: Operation, known: Known, dice: Dice): Valid => {
  const { body, parameters, path } = operation
  const of = (name: string) => named(name, known, path, dice)
  const inPlace = (place: "path" | "query") =>
    new Map(
      parameters.filter((parameter) => parameter.in === place && (place === "path" || dice.isLucky(0.5)))
        .map(({ name, schema }) => [name, encodeURIComponent(String(sample(document, schema, name, of, dice)))])
    )
  const made = body === undefined ? undefined : sample(document, body, "", of, dice)
  return {
    operation,
    path: inPlace("path"),
    query: inPlace("query"),
    body: typeof made === "object" && made !== null ? tamed(path, { ...made }, dice) : undefined
  }
}
