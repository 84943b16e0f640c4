/** Pages of other origins: none may call, but those that are listed. Without cookies there is nothing to send along. */

type Headers = Record<string, string | number>

const methods = "GET, POST, DELETE"
const requestHeaders = "authorization, content-type, idempotency-key, last-event-id, traceparent, x-request-id"
const responseHeaders = "etag, location, retry-after, x-request-id"

/** Seconds for which a browser need not ask again. */
const maxAge = "600"

export const cors = (origins: ReadonlyArray<string>) => {
  const listed = new Set(origins)

  /** Adds to `headers` what a listed origin is to be told; answers a preflight. */
  return (request: Request, headers: Headers): Response | undefined => {
    if (listed.size === 0) return undefined
    headers["vary"] = "origin"
    const origin = request.headers.get("origin")
    if (origin === null || !listed.has(origin)) return undefined
    headers["access-control-allow-origin"] = origin
    headers["access-control-expose-headers"] = responseHeaders
    if (request.method !== "OPTIONS" || !request.headers.has("access-control-request-method")) return undefined
    return new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-methods": methods,
        "access-control-allow-headers": requestHeaders,
        "access-control-max-age": maxAge
      }
    })
  }
}
