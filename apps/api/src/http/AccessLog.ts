/** One debug line per request. The route's pattern, never the path: paths and queries hold what clients put there. */
import * as Effect from "effect/Effect"
import type { Runtime } from "../Runtime.ts"
import * as RequestInfo from "./RequestInfo.ts"

interface Answered {
  readonly request: Request
  readonly route?: string
  readonly response?: unknown
  readonly set: { readonly status?: number | string }
}

export const hook = ({ log }: Pick<Runtime, "log">) => ({ request, response, route, set }: Answered): void => {
  const { id, startedAt } = RequestInfo.of(request)
  const status = response instanceof Response ? response.status : set.status ?? 200
  const ms = Math.round((performance.now() - startedAt) * 10) / 10
  log(
    Effect.logDebug("request").pipe(
      Effect.annotateLogs({ method: request.method, route: route ?? "none", status, ms, requestId: id })
    )
  )
}
