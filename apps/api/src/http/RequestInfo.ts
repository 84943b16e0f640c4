/** What is known of a request before any route runs, kept beside the `Request` object for as long as it lives. */

export interface RequestInfo {
  /** In the `x-request-id` header, in every problem and on every log line of the request. */
  readonly id: string
  /** `performance.now()` when it came in. */
  readonly startedAt: number
}

/** Narrow on purpose: the value is copied into headers and logs. */
const acceptable = /^[A-Za-z0-9._-]{1,64}$/

const infos = new WeakMap<Request, RequestInfo>()

export const begin = (request: Request): RequestInfo => {
  const given = request.headers.get("x-request-id")
  const id = given !== null && acceptable.test(given) ? given : crypto.randomUUID()
  const info = { id, startedAt: performance.now() }
  infos.set(request, info)
  return info
}

export const of = (request: Request): RequestInfo => infos.get(request) ?? begin(request)
