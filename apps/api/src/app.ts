/** The HTTP application, without a socket: `createApp(context).handle(new Request("http://localhost/…"))`. */
import { Authentication } from "@ems/access/Authentication"
import { EventCatalog } from "@ems/events/EventCatalog"
import * as Context from "effect/Context"
import { Elysia } from "elysia"
import { routesOf } from "./http/Access.ts"
import * as AccessLog from "./http/AccessLog.ts"
import { cors } from "./http/Cors.ts"
import * as Errors from "./http/Errors.ts"
import { gate } from "./http/Gate.ts"
import * as JsonBody from "./http/JsonBody.ts"
import * as Problem from "./http/Problem.ts"
import * as RequestInfo from "./http/RequestInfo.ts"
import { RateLimits } from "./limits/RateLimits.ts"
import { migrationsFolder } from "./Migrations.ts"
import { audit } from "./routes/auth/audit.ts"
import { session } from "./routes/auth/session.ts"
import { tokens } from "./routes/auth/tokens.ts"
import { cache } from "./routes/cache.ts"
import { database } from "./routes/database.ts"
import { events } from "./routes/events.ts"
import { health } from "./routes/health.ts"
import { index } from "./routes/index.ts"
import { openapi } from "./routes/openapi.ts"
import { probes } from "./routes/probes.ts"
import { prometheus } from "./routes/prometheus.ts"
import { explain } from "./routes/work/explain.ts"
import { jobEvents } from "./routes/work/jobEvents.ts"
import { jobs } from "./routes/work/jobs.ts"
import { maintenance } from "./routes/work/maintenance.ts"
import { sessionSignals } from "./routes/work/sessionSignals.ts"
import * as Runtime from "./Runtime.ts"
import type { Services } from "./Services.ts"
import { HttpMetrics } from "./telemetry/HttpMetrics.ts"
import { type Handle, observed } from "./telemetry/Observation.ts"
import * as RequestSpan from "./telemetry/RequestSpan.ts"

/** JSON is no page: were it shown as one, nothing in it would run. */
const nothing = "default-src 'none'; frame-ancestors 'none'"

export interface AppOptions {
  /** `off`: everybody may do everything. For loopback. Default `on`. */
  readonly auth?: "on" | "off"
  /** Origins whose pages may call. Default none. */
  readonly corsOrigins?: ReadonlyArray<string>
  /** The folder of the migrations' files. Default: the repository's. */
  readonly migrations?: string
}

export const createApp = (
  context: Context.Context<Services>,
  { auth = "on", corsOrigins = [], migrations = migrationsFolder }: AppOptions = {}
) => {
  const allowOrigin = cors(corsOrigins)
  const runtime = Runtime.make(context)
  const metrics = Context.get(context, HttpMetrics)
  const spans = RequestSpan.make(context)
  // A cast: Elysia hands over its own `fetch`, and types it as a function that gives functions.
  const base = new Elysia().wrap((handle) => observed(handle as unknown as Handle, metrics, spans))
  const { enter, passed } = gate(base, {
    authentication: Context.get(context, Authentication),
    limits: Context.get(context, RateLimits),
    isOn: auth === "on",
    authenticate: runtime.authenticate
  })
  // Elysia applies hooks to the routes that come after them, so they stand first.
  const app = base
    .onRequest(({ request, set }) => {
      set.headers["x-request-id"] = RequestInfo.of(request).id
      set.headers["x-content-type-options"] = "nosniff"
      set.headers["x-frame-options"] = "DENY"
      set.headers["referrer-policy"] = "no-referrer"
      set.headers["content-security-policy"] = nothing
      set.headers["cache-control"] = "no-store"
      return allowOrigin(request, set.headers) ?? enter(request)
    })
    .onParse(({ request }) => runtime.settle(JsonBody.read(request), request))
    .onBeforeHandle(({ request, route }) =>
      passed(request, route) ? undefined : Problem.toResponse({ status: 404 }, request)
    )
    .onAfterResponse(runtime.isDebug ? [AccessLog.hook(runtime)] : [])
    .onError(Errors.hook(runtime, base))
    .use(index(base))
    .use(probes(runtime))
    .use(health(runtime))
    .use(prometheus(runtime))
    .use(cache(runtime))
    .use(database(runtime, { migrations }))
    .use(events(runtime, Context.get(context, EventCatalog)))
    .use(session(runtime))
    .use(tokens(runtime))
    .use(audit(runtime))
    .use(maintenance(runtime))
    .use(jobs(runtime))
    .use(jobEvents(runtime))
    .use(sessionSignals(runtime))
    .use(explain(runtime))
    .use(openapi(base))
  // Throws for a route that nobody guards.
  routesOf(app)
  return app
}
