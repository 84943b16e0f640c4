/**
 * Sees every request come and go: Elysia's own hooks after the response do not run for what a hook before it refused.
 * A response is over when its head is made; a stream may go on after that.
 */
import * as RequestInfo from "../http/RequestInfo.ts"
import type { HttpMetrics } from "./HttpMetrics.ts"
import type { RequestSpans } from "./RequestSpan.ts"

export type Handle = (request: Request) => Response | Promise<Response>

/** `handle`, counted by `metrics` and traced by `spans`. Without a promise of its own where the answer is none. */
export const observed = (
  handle: Handle,
  metrics: HttpMetrics["Service"],
  spans: RequestSpans
): Handle =>
(request) => {
  const info = RequestInfo.of(request)
  const end = metrics.begin(request.method)
  const over = (status: number): void => {
    end(info.route, status, performance.now() - info.startedAt)
    spans.end(request, status)
  }
  const answered = (response: Response): Response => {
    over(response.status)
    return response
  }
  const thrown = (error: unknown): never => {
    over(500)
    throw error
  }
  try {
    const answer = handle(request)
    return answer instanceof Promise ? answer.then(answered, thrown) : answered(answer)
  } catch (error) {
    return thrown(error)
  }
}
