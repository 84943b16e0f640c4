/**
 * A client whose paths, parameters and answers are those of the routes: what the server does not have does not compile.
 *
 * ```ts
 * const api = createClient("http://127.0.0.1:3000", { token })
 * const { data, error } = await api.api.events({ id }).get()
 * ```
 */
import { treaty } from "@elysiajs/eden"
import type { createApp } from "./app.ts"

export type App = ReturnType<typeof createApp>

export interface ClientOptions {
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string
}

/** `server`: where it listens, or the application itself, which is called without a socket then. */
export const createClient = (server: string | App, { token }: ClientOptions = {}) => {
  const config = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }
  // The two are overloads of one function, and TypeScript does not choose among them by a union.
  return typeof server === "string" ? treaty<App>(server, config) : treaty(server, config)
}
