/**
 * The HTTP API as another way to the same answers: `--api URL` in place of `DATABASE_URL`. Requests are made once:
 * what may have been done is not done again.
 */
import { Problem } from "@ems/schema/contract/Problem"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ApiError } from "./ApiError.ts"

/** For an answer; a plan of maintenance measures every table. */
const timeout = "65 seconds"

const foreign = (status: number | null) =>
  new ApiError({
    kind: "Foreign",
    reason: "NotTheApi",
    status,
    text: `what answers there is not the API of this database, or of another version${
      status === null ? "" : ` (status ${status})`
    }`
  })

const unreachable = (text: string) =>
  new ApiError({ kind: "Unreachable", reason: "ApiUnreachable", status: null, text: `the API ${text}` })

/** A loopback connection is seen by nobody else. */
const isSafe = ({ hostname, protocol }: URL): boolean =>
  protocol === "https:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)

const decodeProblem = Schema.decodeUnknownOption(Problem)

/** What there is to do about a token that is missing or no good. */
const hints: Readonly<Record<number, string>> = {
  401: "; EMS_API_TOKEN has the token of a machine (emsdb admin token create) or of a session",
  429: "; try again later"
}

/** The code of a connection that failed is somewhere below what `fetch` says. */
const codeOf = (cause: unknown): string | undefined => {
  for (let at = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as { readonly code?: unknown }
    if (typeof code === "string" && /^\w{1,40}$/.test(code)) return code
  }
  return undefined
}

const problemOf = (response: HttpClientResponse) =>
  Effect.map(Effect.option(response.json), (body) => {
    const problem = Option.flatMap(body, decodeProblem)
    if (Option.isNone(problem)) return foreign(response.status)
    const { detail, reason = "Refused", title } = problem.value
    return new ApiError({
      kind: "Problem",
      reason,
      status: response.status,
      text: `the API says: ${detail ?? title}${hints[response.status] ?? ""}`
    })
  })

export interface Question {
  readonly method?: "GET" | "POST" | "DELETE"
  /** Below the address, without a slash in front. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: Schema.Json
  readonly headers?: Readonly<Record<string, string>>
  /** Answers beside 2xx that are one as well, such as the 503 of a health check. */
  readonly accepts?: ReadonlyArray<number>
}

/** A client of the API at `url`. Warns on stderr of a token that others could read on its way. */
export const make = Effect.fnUntraced(function*(url: URL) {
  const client = yield* HttpClient.HttpClient
  const token = yield* Config.option(Config.Redacted("EMS_API_TOKEN"))
  if (Option.isSome(token) && !isSafe(url)) {
    yield* Console.error("emsdb: warning: the token goes to the API unencrypted: use https")
  }

  /** The response, when it is an answer. Its body is still to be read, within the scope. */
  const send = Effect.fnUntraced(
    function*({ accepts = [], body, headers = {}, method = "GET", path, query = {} }: Question) {
      const request = HttpClientRequest.make(method)(new URL(path, url), { headers, urlParams: query }).pipe(
        Option.isSome(token) ? HttpClientRequest.bearerToken(Redacted.value(token.value)) : (same) => same,
        body === undefined ? (same) => same : HttpClientRequest.bodyJsonUnsafe(body)
      )
      const response = yield* Effect.mapError(
        client.execute(request),
        ({ reason }) =>
          unreachable(
            `cannot be reached${("cause" in reason ? codeOf(reason.cause) : undefined)?.replace(/^/, ": ") ?? ""}`
          )
      )
      const { status } = response
      if ((status >= 200 && status < 300) || accepts.includes(status)) return response
      return yield* yield* problemOf(response)
    }
  )

  const ask = <A, I>(contract: Schema.Codec<A, I>, question: Question): Effect.Effect<A, ApiError> =>
    Effect.flatMap(send(question), (response) =>
      response.json.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(contract)),
        Effect.mapError(() => foreign(response.status))
      )).pipe(
        Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(unreachable("does not answer in time")) })
      )

  return { ask, send }
})

export type Api = Effect.Success<ReturnType<typeof make>>

/** A redirect could lead a token anywhere. */
const redirects = Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" })

export const layer = Layer.merge(FetchHttpClient.layer, redirects)
