/**
 * What is counted of requests, by OpenTelemetry's conventions for HTTP servers: `http.server.request.duration` and
 * `http.server.active_requests`. Told apart by what this product wrote (routes, methods that exist, statuses), never by
 * what a client sent.
 */
import { DurationHistogram } from "@ems/db-core/telemetry/DurationHistogram"
import * as PublishedMetric from "@ems/db-core/telemetry/PublishedMetric"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { methodOf } from "./httpAttributes.ts"

/** In seconds. Source: OpenTelemetry semantic conventions, `http.server.request.duration`. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

/**
 * Series of one metric, at most; what comes after them is counted together. Source: OpenTelemetry specification,
 * metrics SDK, cardinality limits.
 */
export const maxSeries = 2000

/** The request did not come to a route. */
export const unmatched = "unmatched"

export class HttpMetrics extends Context.Service<HttpMetrics, {
  /** A request came in. Gives what to call when it is answered. */
  readonly begin: (method: string) => (route: string | undefined, status: number, ms: number) => void
}>()("@ems/api/telemetry/HttpMetrics") {
  /** Publishes in the registry of its context for as long as it lives. */
  static readonly layer = Layer.effect(HttpMetrics, Effect.suspend(() => make))
}

const scheme = { "url.scheme": "http" }

const make = Effect.gen(function*() {
  const context = yield* Effect.context()
  const removals: Array<() => void> = []
  yield* Effect.addFinalizer(() => Effect.sync(() => removals.forEach((remove) => remove())))

  const publish = (attributes: Readonly<Record<string, string>>): DurationHistogram => {
    const made = new DurationHistogram(boundaries)
    removals.push(PublishedMetric.histogram(
      context,
      "http.server.request.duration",
      boundaries,
      { description: "duration of requests", attributes: { ...attributes, unit: "s" } },
      () => made
    ))
    return made
  }

  /** Of one method: how many are under way, and what became of the others by route and status. */
  const ofMethod = (method: string) => {
    const one = { method, active: 0, routes: new Map<string, Map<number, DurationHistogram>>() }
    removals.push(PublishedMetric.gauge(
      context,
      "http.server.active_requests",
      {
        description: "requests under way",
        attributes: { "http.request.method": method, ...scheme, unit: "{request}" }
      },
      () => one.active
    ))
    return one
  }

  const methods = new Map<string, ReturnType<typeof ofMethod>>()
  let series = 0
  let overflow: DurationHistogram | undefined

  const durationOf = (
    { method, routes }: ReturnType<typeof ofMethod>,
    route: string,
    status: number
  ): DurationHistogram => {
    let statuses = routes.get(route)
    let found = statuses?.get(status)
    if (found !== undefined) return found
    if (series >= maxSeries) return overflow ??= publish({ "otel.metric.overflow": "true" })
    series++
    found = publish({
      "http.request.method": method,
      "http.route": route,
      "http.response.status_code": String(status),
      ...(status >= 500 && { "error.type": String(status) }),
      ...scheme
    })
    if (statuses === undefined) routes.set(route, statuses = new Map())
    statuses.set(status, found)
    return found
  }

  return {
    begin: (given) => {
      const method = methodOf(given)
      let one = methods.get(method)
      if (one === undefined) methods.set(method, one = ofMethod(method))
      const of = one
      of.active++
      return (route, status, ms) => {
        of.active--
        durationOf(of, route ?? unmatched, status).record(ms)
      }
    }
  } satisfies HttpMetrics["Service"]
})
