/** What is done to a request that works, so that its shape is wrong and its framing is right. */
import { bearer, type Sending } from "../Wire.ts"
import { type Attempt, attempt, type Expectation } from "./Attempt.ts"
import { planted } from "./Canaries.ts"
import type { Dice } from "./Dice.ts"
import { depths, nastyTexts, nastyValue, nested } from "./nastyValues.ts"
import { isStatement, type Valid } from "./validRequest.ts"

type Headers = NonNullable<Sending["headers"]>

/** Percent-encoded; half a surrogate as the three bytes that are no UTF-8. */
const encoded = (text: string): string =>
  Array.from(text, (char) =>
    char.isWellFormed()
      ? encodeURIComponent(char)
      : [0xe0 | (char.charCodeAt(0) >> 12), 0x80 | ((char.charCodeAt(0) >> 6) & 63), 0x80 | (char.charCodeAt(0) & 63)]
        .map((byte) => `%${byte.toString(16)}`).join("")).join("")

/** As it is, but for what would end the request's line. */
const bare = (text: string): string => text.replaceAll(/[\0\r\n\s]/g, "")

/** Longer targets are answered by the socket. */
const maxTarget = 6000

const inTarget = (text: string, dice: Dice): string =>
  (dice.isLucky(0.8) ? encoded(text) : bare(text)).slice(0, maxTarget).replace(/%.?$/, "")

const pathOf = ({ operation, path }: Valid): string =>
  operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => path.get(name) ?? "")

const targetOf = (valid: Valid, query: ReadonlyArray<readonly [string, string]> = [...valid.query]): string => {
  const text = query.map(([name, value]) => `${name}=${value}`).join("&")
  return pathOf(valid) + (text === "" ? "" : `?${text}`)
}

const jsonType = ["content-type", "application/json"] as const

/** Members of `value` at every level, as what replaces each. */
const places = (value: unknown, replace: (by: unknown) => unknown): Array<(by: unknown) => unknown> => {
  const here = [replace]
  if (Array.isArray(value)) {
    return [...here, ...value.flatMap((item, at) => places(item, (by) => replace(value.toSpliced(at, 1, by))))]
  }
  if (typeof value !== "object" || value === null) return here
  return [
    ...here,
    ...Object.entries(value).flatMap(([name, item]) => places(item, (by) => replace({ ...value, [name]: by })))
  ]
}

/** In text that is no statement nobody can tell a literal from a name, and names are shown. */
const withoutPlantedNames = (text: string): string =>
  text.replace(
    /"sql":"(?:[^"\\]|\\.)*"/g,
    (member) => isStatement(member) ? member : member.replaceAll(planted, "fuzzed")
  )

const strangeNames = ["__proto__", "constructor", "prototype", planted, "", "\0", "role", "isAdmin", "$where"]

/** JSON text in which something is not as it should be. */
const mutatedBody = (valid: Valid, dice: Dice): string => {
  const body = valid.body ?? {}
  const text = JSON.stringify(body)
  switch (dice.below(6)) {
    case 0: {
      // Never seen by an object literal: as text.
      const name = JSON.stringify(dice.of(strangeNames))
      const value = JSON.stringify(nastyValue(dice)) ?? "null"
      return `{${name}:${value}${text === "{}" ? "" : ","}${text.slice(1)}`
    }
    case 1: {
      const [first] = Object.keys(body)
      return first === undefined
        ? text
        : `${text.slice(0, -1)},${JSON.stringify(first)}:${JSON.stringify(nastyValue(dice)) ?? "0"}}`
    }
    default:
      return JSON.stringify(dice.of(places(body, (by) => by))(nastyValue(dice))) ?? "null"
  }
}

/** Bodies that cannot be read as what they are said to be. */
const unreadable = (valid: Valid, dice: Dice): readonly [kind: string, headers: Headers, body: string | Uint8Array] => {
  const text = JSON.stringify({ ...valid.body, note: planted })
  const cut = text.slice(0, 1 + dice.below(text.length - 1))
  return dice.of<readonly [string, Headers, string | Uint8Array]>([
    ["truncated", [jsonType], cut],
    ["no JSON", [jsonType], planted],
    ["trailing comma", [jsonType], `${text.slice(0, -1)},}`],
    ["two documents", [jsonType], `${text}${text}`],
    ["comments", [jsonType], `/* ${planted} */${text}`],
    ["single quotes", [jsonType], text.replaceAll("\"", "'")],
    ["NaN", [jsonType], "{\"a\":NaN}"],
    ["control character", [jsonType], `{"a":"${planted}\u0001"}`],
    ["empty", [jsonType], ""],
    ["a byte order mark in the middle", [jsonType], `{\ufeff"a":1}`],
    ["UTF-16", [jsonType], Buffer.from(text, "utf16le")],
    ["UTF-16, said so", [["content-type", "application/json; charset=utf-16"]], Buffer.from(text, "utf16le")],
    [
      "invalid UTF-8",
      [jsonType],
      Buffer.concat([Buffer.from("{\"a\":\""), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from("\"}")])
    ],
    [
      "overlong UTF-8",
      [jsonType],
      Buffer.concat([Buffer.from("{\"a\":\""), Buffer.from([0xc0, 0xaf]), Buffer.from("\"}")])
    ],
    [
      "a surrogate in UTF-8",
      [jsonType],
      Buffer.concat([Buffer.from("{\"a\":\""), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from("\"}")])
    ],
    ["NUL", [jsonType], "{\"a\":\"\\u0000\"}"],
    ["half a surrogate", [jsonType], "{\"a\":\"\\ud800\"}"],
    ["__proto__", [jsonType], `{"__proto__":{"${planted}":1}}`],
    ["__proto__, escaped", [jsonType], `{"\\u005f_proto__":{"${planted}":1}}`],
    [`too deep`, [jsonType], `{"a":${nested(dice.of(depths.filter((depth) => depth > 16)), dice.isLucky(0.5))}}`],
    ["too deep, not closed", [jsonType], "[".repeat(dice.of(depths))],
    ["says gzip", [jsonType, ["content-encoding", "gzip"]], Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3])],
    ["too large", [jsonType], JSON.stringify({ a: planted.repeat(7000) })],
    ["far too large", [jsonType], JSON.stringify({ a: planted.repeat(11_000) })]
  ])
}

const wrongTypes = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/xml",
  "application/json, text/plain",
  "application/json; charset=latin1",
  "application/jsonx",
  "json",
  `text/${planted}`,
  "application/octet-stream",
  "application/graphql"
]

const fuzzedHeaders = [
  "accept",
  "accept-encoding",
  "accept-language",
  "content-type",
  "cookie",
  "forwarded",
  "idempotency-key",
  "if-none-match",
  "last-event-id",
  "origin",
  "range",
  "referer",
  "traceparent",
  "tracestate",
  "upgrade",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-http-method-override",
  "x-request-id"
]

const methods = ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "GET", "TRACE"]

/** Requests that would end or undo something are sent to nobody else's things. */
const isSafe = (method: string, { operation }: Valid): boolean =>
  !(method === "DELETE" && operation.path.includes("/jobs/"))

export const mutated = (valid: Valid, accessToken: string, dice: Dice): Attempt => {
  const { body, operation } = valid
  const name = `${operation.method} ${operation.path}`
  const auth: Headers = dice.isLucky(0.05) ? [] : [bearer(accessToken)]
  const whole = body === undefined ? undefined : JSON.stringify(body)
  const sent = (
    kind: string,
    { headers = [], ...given }: Partial<Sending>,
    expects: Expectation = "answered"
  ): Attempt =>
    attempt(name, kind, {
      method: operation.method,
      target: targetOf(valid),
      body: whole,
      ...given,
      headers: [
        ...auth,
        ...(whole !== undefined && !headers.some(([header]) => header === "content-type")
          ? [jsonType]
          : []),
        ...headers
      ]
    }, expects)

  const kinds: Array<() => Attempt> = [
    () => sent("as meant", {}),
    () => {
      const header = dice.of(fuzzedHeaders)
      // Bytes of UTF-8, as many clients send them; what would end the line is left out.
      const value = dice.of(nastyTexts).replaceAll(/[\0\r\n]/g, "").slice(0, 4000)
      return sent(`header ${header}`, { headers: [[header, value]] })
    },
    () => {
      const method = dice.of(methods)
      return isSafe(method, valid) ? sent(`method ${method}`, { method }) : sent("as meant", {})
    },
    () =>
      sent("a parameter that nobody knows", {
        target: targetOf(valid, [...valid.query, [
          inTarget(dice.of(nastyTexts), dice),
          inTarget(dice.of(nastyTexts), dice)
        ]])
      })
  ]
  const queries = operation.parameters.filter((parameter) => parameter.in === "query")
  if (queries.length > 0) {
    kinds.push(
      () => {
        const { name: wanted } = dice.of(queries)
        return sent("query", { target: targetOf(valid, [[wanted, inTarget(dice.of(nastyTexts), dice)]]) })
      },
      () => {
        const { name: wanted } = dice.of(queries)
        const value = inTarget(dice.of(nastyTexts), dice)
        return sent("the same parameter twice", {
          target: targetOf(valid, [...valid.query, [wanted, value], [wanted, "1"]])
        })
      },
      () => {
        const { name: wanted } = dice.of(queries)
        return sent("a parameter that is an object", {
          target: targetOf(valid, [[`${wanted}[${inTarget(dice.of(nastyTexts), dice)}]`, "1"], [`${wanted}[]`, "1"]])
        })
      }
    )
  }
  if (valid.path.size > 0) {
    const fuzz = () => {
      const target = operation.path.replace(/\{\w+\}/, () => inTarget(dice.of(nastyTexts), dice))
      return sent("path", { target })
    }
    kinds.push(fuzz, fuzz)
  }
  if (body !== undefined) {
    const fuzz = () => sent("body", { body: withoutPlantedNames(mutatedBody(valid, dice)) })
    const wreck = () => {
      const [kind, headers, bytes] = unreadable(valid, dice)
      return sent(`body: ${kind}`, { headers, body: bytes }, auth.length === 0 ? "answered" : "refused")
    }
    kinds.push(fuzz, fuzz, fuzz, fuzz, fuzz, wreck, wreck, () => {
      const type = dice.of(wrongTypes)
      return sent("content-type", { headers: [["content-type", type]] }, auth.length === 0 ? "answered" : "refused")
    })
  } else {
    kinds.push(() =>
      sent("a body that nobody asked for", { headers: [jsonType], body: JSON.stringify(nastyValue(dice)) ?? "" })
    )
  }
  return dice.of(kinds)()
}
