/**
 * Credentials that were found good a moment ago, by the SHA-256 of what was presented.
 *
 * Not by the credential itself: it would lie in the heap for as long as it is remembered, and in every dump of it. The
 * hash takes about a microsecond, and looking it up tells nothing by its time that would help to guess a token.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LRUCache } from "lru-cache"
import { AccessConfig } from "./AccessConfig.ts"
import type { Principal } from "./Principal.ts"

export interface Known {
  readonly principal: Principal
  /** When the database said so, and until when it is good. Milliseconds of this process's clock. */
  readonly checkedAt: number
  readonly expiresAt: number
  /** When the database could last not be asked. */
  readonly unansweredAt: number | undefined
}

export class KnownPrincipals extends Context.Service<KnownPrincipals, {
  readonly get: (key: string) => Known | undefined
  readonly set: (key: string, known: Known) => void
  readonly remove: (key: string) => void
  /** Forgets those that `concerns`: what was just revoked is refused by this process at once. */
  readonly forget: (concerns: (principal: Principal) => boolean) => Effect.Effect<void>
  /** Counts the calls of `forget`: an answer that was asked for before one of them may be older than it. */
  readonly generation: () => number
}>()("@ems/access/KnownPrincipals") {
  static readonly layerNoDeps = () => Layer.effect(KnownPrincipals, make)
}

const make = Effect.gen(function*() {
  const { rememberedMax } = yield* AccessConfig
  const known = new LRUCache<string, Known>({ max: rememberedMax })
  let generation = 0
  return {
    get: (key) => known.get(key),
    set: (key, entry) => {
      known.set(key, entry)
    },
    remove: (key) => {
      known.delete(key)
    },
    forget: (concerns) =>
      Effect.sync(() => {
        generation++
        for (const [key, { principal }] of known.entries()) if (concerns(principal)) known.delete(key)
      }),
    generation: () => generation
  } satisfies KnownPrincipals["Service"]
})
