/**
 * The socket. `Bun.serve` gets the app's own `fetch`, so that what runs here is what the tests call: Elysia's `listen`
 * routes by a second table, shares a busy port silently (`reusePort`), and serves Bun's development error page.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { clientAddress } from "./http/ClientAddress.ts"
import { maxBytes } from "./http/JsonBody.ts"
import { unhandled } from "./http/Problem.ts"
import * as RequestInfo from "./http/RequestInfo.ts"
import type { Settings } from "./Settings.ts"

/** An open connection on which nothing moves is closed. Seconds; longer than a wait for the pool and a slow query. */
const idleTimeout = 60

/** The address cannot be listened on. */
export class ListenError extends Data.TaggedError("ListenError")<{ readonly address: string; readonly code: string }> {
  override get message(): string {
    return this.code === "EADDRINUSE"
      ? `${this.address} is in use; choose another with PORT=…`
      : `cannot listen on ${this.address} (${this.code}); choose another with HOST=… and PORT=…`
  }
}

/** Answers, and with the wish that nobody sends another request this way. */
const parting = (answer: Response | Promise<Response>): Promise<Response> =>
  Promise.resolve(answer).then((response) => {
    response.headers.set("connection", "close")
    return response
  })

/**
 * Elysia looks for the path behind the 11th character, which a host of three letters ends before: `http://api/…` is what
 * a neighbour in a network of containers asks.
 */
const routable = (request: Request): Request => {
  const slash = request.url.indexOf("/", 8)
  return slash >= 11 || slash === -1 ? request : new Request(`http://localhost${request.url.slice(slash)}`, request)
}

export interface ServeOptions extends Pick<Settings, "host" | "port"> {
  /** Default 0. */
  readonly trustedProxies?: number
  /**
   * After it was told to stop it serves for this long, when it was asked within the last second: Bun closes connections
   * whose requests it has not read yet, and load balancers take a while to notice. Default 500 ms.
   */
  readonly stopDelay?: Duration.Duration
  /** Then requests in flight get this long to finish. Default 10 s. */
  readonly drainTimeout?: Duration.Duration
}

/** A connection on which nothing came for so long is idle. Milliseconds. */
const recently = 1000

/**
 * Listens until the scope closes; then answers what was sent by then, accepts nothing new, and waits for the requests
 * in flight. Answers the address.
 */
export const serve = (
  app: { readonly fetch: (request: Request) => Response | Promise<Response> },
  {
    drainTimeout = Duration.seconds(10),
    host,
    port,
    stopDelay = Duration.millis(500),
    trustedProxies = 0
  }: ServeOptions
): Effect.Effect<string, ListenError, Scope.Scope> => {
  let isStopping = false
  let askedAt = Number.NEGATIVE_INFINITY
  return Effect.acquireRelease(
    Effect.try({
      try: () =>
        Bun.serve({
          hostname: host,
          port,
          reusePort: false,
          development: false,
          // Above what `JsonBody` reads, so that it answers; this cuts off who goes on all the same.
          maxRequestBodySize: 2 * maxBytes,
          idleTimeout,
          fetch: (request, server) => {
            const address = clientAddress(request, server.requestIP(request)?.address, trustedProxies)
            const routed = routable(request)
            askedAt = RequestInfo.begin(routed, address).startedAt
            const answer = app.fetch(routed)
            return isStopping ? parting(answer) : answer
          },
          error: unhandled
        }),
      catch: (error) => new ListenError({ address: address(host, port), code: codeOf(error) })
    }),
    (server) =>
      Effect.gen(function*() {
        isStopping = true
        if (performance.now() - askedAt < recently) yield* Effect.sleep(stopDelay)
        yield* Effect.promise(() => server.stop()).pipe(
          Effect.timeoutOrElse({
            duration: drainTimeout,
            orElse: () =>
              Effect.andThen(
                Effect.logWarning(
                  `cut ${server.pendingRequests} requests that took longer than ${
                    Duration.format(drainTimeout)
                  } to finish`
                ),
                Effect.promise(() => server.stop(true))
              )
          })
        )
      })
  ).pipe(Effect.map((server) => address(host, server.port ?? port)))
}

const address = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

const codeOf = (error: unknown): string => {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined
  return typeof code === "string" && /^[A-Z_]+$/.test(code) ? code : "unknown reason"
}
