/** Values of `http.*` attributes that a client cannot make up. */

/** Source: OpenTelemetry semantic conventions, `http.request.method`: RFC 9110's and RFC 5789's. */
const methods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE"
])

/** `_OTHER` for a method that nobody defined. */
export const methodOf = (method: string): string => methods.has(method) ? method : "_OTHER"
