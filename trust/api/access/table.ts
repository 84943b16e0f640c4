/** Every operation × every credential, held against a table that was written by hand. */
import type { Outcome } from "../Case.ts"
import { OpenApi, type Operation } from "../OpenApi.ts"
import type { Stage } from "../Stage.ts"
import { type Answer, inParallel, type Lost, type Sending, Wires } from "../Wire.ts"
import type { Credential } from "./Credential.ts"
import { credentials } from "./credentials.ts"
import { allows, type Row, rows } from "./WhoMayWhat.ts"

/** Told of the first so many; all are counted. */
const told = 15

/** Of nothing that is there. */
const path = (pattern: string): string =>
  pattern
    .replace("{pid}", "2147483600")
    .replace("/events/{id}", "/events/00000000-0000-4000-8000-000000000000")
    .replace("{id}", "00000000-0000-4000-8000-000000000000")

type Expected = 401 | 403 | "let in"

const expectation = ({ rule }: Row, { is }: Credential): Expected => {
  if (rule === "anybody") return "let in"
  if (is === "invalid") return 401
  if (is === "nobody") return rule.isOptional === true ? "let in" : 401
  return allows(rule, is) || rule.isOptional === true ? "let in" : 403
}

const members = new Set(["type", "title", "status", "detail", "requestId", "reason"])

/** What is wrong with a refusal; `seen` collects what all refusals of one kind say. */
const refusalProblem = (
  { body, headers, raw, status }: Answer,
  { headers: sent, is, name }: Credential,
  seen: Set<string>,
  isHead: boolean
): string | undefined => {
  if (headers.get("content-type") !== "application/problem+json") return "is not problem+json"
  if (!headers.has("www-authenticate")) return "does not say how to authenticate"
  if (sent.some(([, value]) => value.length > 8 && raw.includes(value.replace(/^bearer /i, "")))) {
    return "holds the credential"
  }
  if (isHead) return undefined
  const problem: unknown = JSON.parse(body)
  if (typeof problem !== "object" || problem === null) return "is not an object"
  if (Object.keys(problem).some((member) => !members.has(member))) return "says more than a problem has to"
  if (Reflect.get(problem, "status") !== status) return "has another status inside"
  if (status === 401) {
    // One answer for all that is wrong with a credential, or guessing is helped.
    if (is === "invalid") seen.add(JSON.stringify({ ...problem, requestId: "", by: headers.get("www-authenticate") }))
    if (seen.size > 1) return `says something else for ${name}: ${[...seen].join(" ")}`
  }
  return undefined
}

/** What is wrong with an answer to somebody who was to be let in. */
const answerProblem = (row: Row, { is }: Credential, { body, status }: Answer, isHead: boolean): string | undefined => {
  if (status !== row.status) return `was answered ${status}, not ${row.status}`
  if (isHead || row.rule === "anybody" || row.rule.isOptional !== true) return undefined
  const isMore = Object.keys(JSON.parse(body)).length > 2
  const may = typeof is !== "string" && allows(row.rule, is)
  return isMore === may ? undefined : may ? "is answered in short" : "is answered more than everybody"
}

const isMutual = (operations: ReadonlyArray<Operation>): ReadonlyArray<string> => {
  const key = ({ method, path }: Pick<Row, "method" | "path">) => `${method} ${path}`
  const served = new Set(operations.map(key))
  const known = new Set(rows.map(key))
  return [
    ...operations.filter((operation) => !known.has(key(operation))).map((operation) =>
      `${key(operation)} is served, and nobody wrote down who may call it`
    ),
    ...operations.filter(({ hasSecurity }) => !hasSecurity).map((operation) => `${key(operation)} has no security`),
    ...rows.filter((row) => !served.has(key(row))).map((row) => `${key(row)} is not in the OpenAPI document`)
  ]
}

/** Paths that a gate and a router may read differently. */
const disguises = (target: string): ReadonlyArray<Sending> => [
  { target: `${target}/` },
  { target: `/${target}` },
  { target: `${target}//` },
  { target: target.replace("/api/", "/api//") },
  { target: target.replace("/api/", "/API/") },
  { target: target.replace("/api/", "/api/./") },
  { target: target.replace("/api/", "/api/x/../") },
  { target: target.replace("/api/", "/api%2f") },
  { target: target.replace("/api/", "/%61pi/") },
  { target: target.replace("/api/", "\\api\\") },
  { target: `${target};x=1` },
  { target: `${target}.json` },
  { target: `${target}%00` },
  { target: `${target}%20` },
  { target: `${target}#/livez` },
  { target: `/livez/..${target}` },
  { target: `/livez?/..${target}`, headers: [["x-original-url", target], ["x-rewrite-url", target]] },
  { target: `http://localhost${target}` },
  { target: `http://localhost/livez@x${target}` },
  { target, headers: [["x-http-method-override", "OPTIONS"]] },
  { target, headers: [["host", "localhost/livez?"]] },
  { target, headers: [["host", "a/livez/"]] },
  { target, headers: [["x-forwarded-host", "localhost"], ["x-forwarded-prefix", "/livez"]] }
]

/** Without a credential none of them may be answered as the operation is. */
const isOpened = (answer: Answer | Lost, row: Row): boolean =>
  typeof answer !== "string" && answer.status === row.status && answer.status !== 404 &&
  !answer.body.includes("\"live\"")

export const table = async (stage: Stage): Promise<Outcome> => {
  const server = await stage.serve({ EMS_LOG: "warn" })
  const wires = new Wires(server.url)
  const { operations } = await OpenApi.of(server.url)
  const presented = (await credentials(stage, wires)).filter(({ quick }) => quick || !stage.quick)
  const wrong: Array<string> = [...isMutual(operations)]
  const refusals = new Set<string>()
  const cells = rows.flatMap((row) =>
    presented.flatMap((credential) => [
      { row, credential, method: row.method },
      ...(row.method === "GET" && !stage.quick ? [{ row, credential, method: "HEAD" }] : [])
    ])
  )
  await inParallel(cells, 16, async ({ credential, method, row }) => {
    const target = path(row.path) + (credential.query === undefined ? "" : `?${credential.query}`)
    const answer = await wires.ask({
      method,
      target,
      headers: [
        ...credential.headers,
        ...row.body === undefined ? [] : [["content-type", "application/json"] as const]
      ],
      body: row.body
    })
    const expected = expectation(row, credential)
    const isHead = method === "HEAD"
    // A parameter that an operation does not know is refused, after the gate.
    const isRefusedQuery = credential.query !== undefined && typeof answer !== "string" && answer.status === 422
    const problem = typeof answer === "string"
      ? `was not answered: ${answer}`
      : expected === "let in"
      ? (isRefusedQuery ? undefined : answerProblem(row, credential, answer, isHead))
      : answer.status === expected
      ? refusalProblem(answer, credential, refusals, isHead)
      : `was answered ${answer.status}, not ${expected}`
    if (problem !== undefined) wrong.push(`${method} ${row.path}, ${credential.name}: ${problem}`)
  })

  const guarded = rows.filter(({ rule }) => rule !== "anybody" && rule.isOptional !== true)
  const hidden = (stage.quick ? guarded.filter((_, at) => at % 10 === 0) : guarded).flatMap((row) =>
    disguises(path(row.path)).map((sending) => ({ row, sending: { method: row.method, ...sending } }))
  )
  await inParallel(hidden, 16, async ({ row, sending }) => {
    const answer = await wires.ask(sending)
    if (isOpened(answer, row)) wrong.push(`${row.method} ${sending.target} is answered to nobody`)
  })
  wires.close()
  return {
    problems: wrong.slice(0, told),
    figures: {
      requests: cells.length + hidden.length,
      authCells: cells.length + hidden.length,
      authWrong: wrong.length
    },
    note: `${rows.length} operations, ${presented.length} credentials, ${hidden.length} disguised paths; `
      + `${cells.length + hidden.length} cells, ${wrong.length} wrong`
  }
}
