/**
 * Where the first packet goes: the server, or the proxy that speaks WebSocket in front of it.
 */
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { Target } from "../config/DbUrl.ts"

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** Of the WebSocket; nothing over TCP. */
  readonly path: string | undefined
  /** TLS begins with the first packet; over TCP the server is asked for it first. */
  readonly isTlsFirst: boolean
}

/** Neon's own proxies are at `/v2` of the endpoint's host. */
const usualProxy = (host: string): string => `${host}/v2`

export const endpointOf = ({ neonProxy }: DbConfigShape, target: Target): Endpoint => {
  if (target.kind !== "neon") return { host: target.host, port: target.port, path: undefined, isTlsFirst: false }
  const secure = target.tls.mode !== "disable"
  const proxy = URL.parse(`${secure ? "https" : "http"}://${neonProxy ?? usualProxy(target.host)}`)
  return {
    host: proxy?.hostname.replace(/^\[|\]$/g, "") ?? target.host,
    port: Number(proxy?.port || (secure ? 443 : 80)),
    path: proxy === null ? "/v2" : `${proxy.pathname}${proxy.search}`,
    isTlsFirst: secure
  }
}
