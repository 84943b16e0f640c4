/**
 * The socket. `Bun.serve` gets the app's own `fetch`, so that what runs here is what the tests call: Elysia's `listen`
 * routes by a second table, shares a busy port silently (`reusePort`), and serves Bun's development error page.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { unhandled } from "./http/Problem.ts"
import type { Settings } from "./Settings.ts"

/** Longer bodies are answered 413 before they are read. */
const bodyLimit = 64 * 1024

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

/**
 * Listens until the scope closes; then accepts nothing new and waits for the requests in flight. Answers the address.
 */
export const serve = (
  app: { readonly fetch: (request: Request) => Response | Promise<Response> },
  { host, port }: Pick<Settings, "host" | "port">,
  /** Requests in flight get this long to finish when the server stops. */
  drainTimeout: Duration.Duration = Duration.seconds(10)
): Effect.Effect<string, ListenError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () =>
        Bun.serve({
          hostname: host,
          port,
          reusePort: false,
          development: false,
          maxRequestBodySize: bodyLimit,
          idleTimeout,
          fetch: app.fetch,
          error: unhandled
        }),
      catch: (error) => new ListenError({ address: address(host, port), code: codeOf(error) })
    }),
    (server) =>
      Effect.promise(() => server.stop()).pipe(
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
  ).pipe(Effect.map((server) => address(host, server.port ?? port)))

const address = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

const codeOf = (error: unknown): string => {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined
  return typeof code === "string" && /^[A-Z_]+$/.test(code) ? code : "unknown reason"
}
