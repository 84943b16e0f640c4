/**
 * WebSocket: whether the proxy in front of the server takes one, and if not, what it says.
 */
import * as Effect from "effect/Effect"
import type { Address } from "../driver/probe/Addresses.ts"
import { dial } from "../driver/probe/Dial.ts"
import { upgrade } from "../driver/probe/Upgrade.ts"
import type { Endpoint } from "./Endpoint.ts"
import { failed, ok, type Outcome } from "./Step.ts"

const refused = (status: number, path: string): Outcome => {
  const seen = { status, path }
  if (status === 404) {
    return failed(
      `there is no WebSocket at ${path}`,
      seen,
      "correct the path in EMS_NEON_PROXY, as host:port/path; Neon's own is /v2"
    )
  }
  if (status === 401 || status === 403) {
    return failed(
      "the proxy lets nobody in from here",
      seen,
      "add this machine's address to the project's IP Allow list"
    )
  }
  if (status === 429 || status >= 500) {
    return failed(
      "the proxy is there, and has no room or no way on",
      seen,
      "wait and try again; see the provider's status page"
    )
  }
  return failed(
    "the proxy does not go over to WebSocket",
    seen,
    "what answers there may be no proxy: check the host, and HTTP proxies in between"
  )
}

const broken = (code: string): Outcome =>
  code === "timeout"
    ? failed("it takes connections and never answers", { code }, "wait and try again; see the provider's status page")
    : failed(
      code === "notHttp" ? "what answers there is no HTTP server" : `the peer hung up (${code})`,
      { code },
      "check the host in DATABASE_URL and EMS_NEON_PROXY; EMS_TRANSPORT=tcp goes without WebSocket"
    )

export const webSocket = (
  { host, isTlsFirst, path = "/", port }: Endpoint,
  { address }: Address,
  limitMs: number
): Effect.Effect<Outcome> =>
  Effect.scoped(
    Effect.flatMap(dial(address, port), (socket) => upgrade(socket, { host, path, secure: isTlsFirst }))
  ).pipe(
    Effect.timeoutOrElse({ duration: limitMs, orElse: () => Effect.fail("timeout") }),
    Effect.match({
      onFailure: broken,
      onSuccess: (status) => status === 101 ? ok("the proxy goes over to WebSocket", { path }) : refused(status, path)
    })
  )
