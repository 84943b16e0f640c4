/** Opaque tokens as text: 256 random bits, and what is kept of them. */
import type { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as crypto from "node:crypto"

/**
 * SHA-256 in hexadecimal digits. No salt and no stretching: what is hashed is random, so that there is nothing to
 * guess. Synchronous because the hot path is: about a microsecond for a token.
 */
export const hashOf = (token: string): string => crypto.createHash("sha256").update(token).digest("hex")

/** 256 random bits in base64url: 43 characters. */
export const random = (secureRandom: SecureRandom["Service"]): Effect.Effect<string> =>
  Effect.map(secureRandom.randomBytes(32), Base64Url.encode)

/** What `random` makes. */
export const isRandom = (text: string): boolean => /^[\w-]{43}$/.test(text)

const prefix = "ems_"

/** Tells a mistyped or cut token from a wrong one without asking anybody. Secret scanners know it by its prefix. */
const checksum = (body: string): string =>
  crypto.createHash("sha256").update(prefix + body).digest("base64url").slice(0, 6)

/** A machine token: `ems_`, 43 random characters, six of checksum. */
export const machine = (secureRandom: SecureRandom["Service"]): Effect.Effect<string> =>
  Effect.map(random(secureRandom), (body) => prefix + body + checksum(body))

export const looksLikeMachine = (text: string): boolean => text.startsWith(prefix)

/** What `machine` makes. */
export const isMachine = (text: string): boolean =>
  /^ems_[\w-]{49}$/.test(text) && checksum(text.slice(4, 47)) === text.slice(47)
