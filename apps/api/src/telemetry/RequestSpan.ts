/**
 * One server span for each request, by OpenTelemetry's conventions for HTTP. It is made when the first work for the
 * request asks for it or when the request ends, because only then its route is known, which is its name; and only
 * where somebody collects spans.
 *
 * The path, the query, headers and addresses are not recorded: they may hold anything.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { STATUS_CODES } from "node:http"
import * as RequestInfo from "../http/RequestInfo.ts"
import { methodOf } from "./httpAttributes.ts"

export interface RequestSpans {
  /** The parent of what is done for `request`; `undefined` where nobody collects spans. */
  readonly of: (request: Request) => Tracer.Span | undefined
  /** The request was answered with `status`. */
  readonly end: (request: Request, status: number) => void
}

const spans = new WeakMap<Request, Tracer.Span>()

const none: RequestSpans = { of: () => undefined, end: () => undefined }

/** W3C Trace Context alone: of several headers that disagree a client could choose. */
const parentOf = (request: Request): Option.Option<Tracer.AnySpan> => {
  const traceparent = request.headers.get("traceparent")
  return traceparent === null
    ? Option.none()
    : HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent }))
}

/** Spans go to the tracer of `context`. Effect's own keeps them to itself, and what they cost with them. */
export const make = (context: Context.Context<never>): RequestSpans => {
  const tracer = Context.get(context, Tracer.Tracer)
  if (tracer === Tracer.nativeTracer) return none
  const clock = Context.get(context, Clock.Clock)

  const begin = (request: Request): Tracer.Span => {
    const { route, startedAt } = RequestInfo.of(request)
    const method = methodOf(request.method)
    const verb = method === "_OTHER" ? "HTTP" : method
    const agoNanos = BigInt(Math.round((performance.now() - startedAt) * 1e6))
    const parent = parentOf(request)
    const span = tracer.span({
      name: route === undefined ? verb : `${verb} ${route}`,
      parent,
      annotations: Context.empty(),
      links: [],
      startTime: clock.currentTimeNanosUnsafe() - agoNanos,
      kind: "server",
      root: Option.isNone(parent),
      sampled: Option.isNone(parent) || parent.value.sampled
    })
    span.attribute("http.request.method", method)
    span.attribute("url.scheme", "http")
    if (route !== undefined) span.attribute("http.route", route)
    return span
  }

  const of: RequestSpans["of"] = (request) => {
    let span = spans.get(request)
    if (span === undefined) spans.set(request, span = begin(request))
    return span
  }

  return {
    of,
    end: (request, status) => {
      const span = of(request)
      if (span === undefined) return
      span.attribute("http.response.status_code", status)
      const isOurs = status >= 500
      if (isOurs) span.attribute("error.type", String(status))
      // What went wrong is in the log; its text may hold anything.
      const exit = isOurs ? Exit.fail({ name: String(status), message: STATUS_CODES[status] ?? "Error" }) : Exit.void
      span.end(clock.currentTimeNanosUnsafe(), exit)
      spans.delete(request)
    }
  }
}
