/** The HTTP application, without a socket: `createApp(runtime).handle(new Request("http://localhost/…"))`. */
import type { DbCore } from "@ems/db-core/DbCore"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import { Elysia } from "elysia"
import * as AccessLog from "./http/AccessLog.ts"
import * as Errors from "./http/Errors.ts"
import * as RequestInfo from "./http/RequestInfo.ts"
import { cache } from "./routes/cache.ts"
import { health } from "./routes/health.ts"
import { index } from "./routes/index.ts"
import { openapi } from "./routes/openapi.ts"
import * as Runtime from "./Runtime.ts"

export const createApp = (managed: ManagedRuntime.ManagedRuntime<DbCore, unknown>) => {
  const runtime = Runtime.make(managed)
  const app = new Elysia()
  // Elysia applies hooks to the routes that come after them, so they stand first.
  return app
    .onRequest(({ request, set }) => {
      set.headers["x-request-id"] = RequestInfo.begin(request).id
      set.headers["x-content-type-options"] = "nosniff"
      set.headers["cache-control"] = "no-store"
    })
    .onAfterResponse(AccessLog.hook(runtime))
    .onError(Errors.hook(runtime, app))
    .use(index(app))
    .use(health(runtime))
    .use(cache(runtime))
    .use(openapi(app))
}
