/**
 * Which addresses a host's name stands for, asked as a connection asks: through the system's resolver, which also
 * reads its hosts file.
 */
import * as Effect from "effect/Effect"
import { lookup } from "node:dns/promises"
import { isIP } from "node:net"

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** In the order in which they would be tried; or the resolver's code, such as `ENOTFOUND` or `EAI_AGAIN`. */
export const resolve = (host: string): Effect.Effect<ReadonlyArray<Address>, string> =>
  Effect.tryPromise({
    try: () => lookup(host, { all: true, verbatim: true }),
    catch: codeOf
  }).pipe(
    Effect.map((found) => found.map(({ address }) => ({ address, family: isIP(address) === 6 ? 6 : 4 })))
  )

/** What Node calls an error of the network; no text of it, which repeats names and addresses in many forms. */
export const codeOf = (error: unknown): string => {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === "string" ? code : "unknown"
}
