/** What is known of a request before any route runs, kept beside the `Request` object for as long as it lives. */
import type { Principal } from "@ems/access/Principal"

export interface RequestInfo {
  /** In the `x-request-id` header, in every problem and on every log line of the request. */
  readonly id: string
  /** `performance.now()` when it came in. */
  readonly startedAt: number
  /** The client's, as the socket or a trusted proxy says; `unknown` without a socket. */
  address: string
  /** Who asks; undefined for those who did not say, or before the gate. */
  principal: Principal | undefined
  /** The pattern of the route that it is for; undefined where there is none. */
  route: string | undefined
  /** The pattern of the route that the gate let it through to. */
  admitted: string | undefined
}

/** Narrow on purpose: the value is copied into headers and logs. */
const acceptable = /^[A-Za-z0-9._-]{1,64}$/

const infos = new WeakMap<Request, RequestInfo>()

export const begin = (request: Request, address = "unknown"): RequestInfo => {
  const given = request.headers.get("x-request-id")
  const id = given !== null && acceptable.test(given) ? given : crypto.randomUUID()
  const info = {
    id,
    startedAt: performance.now(),
    address,
    principal: undefined,
    route: undefined,
    admitted: undefined
  }
  infos.set(request, info)
  return info
}

export const of = (request: Request): RequestInfo => infos.get(request) ?? begin(request)
