/**
 * Access tokens: JWTs that say which account and which session, for at most ten minutes. What the account may do is not
 * taken from them: `Authentication` asks the database.
 *
 * HS256 is pinned, as RFC 8725 wants it: what the header of a token says about its algorithm is compared, not followed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { SecureRandom } from "effect/crypto/SecureRandom"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { errors, jwtVerify, SignJWT } from "jose"
import { AccessConfig } from "./AccessConfig.ts"
import { AccessError, type TokenFault } from "./AccessError.ts"
import type { Role } from "./Role.ts"

const algorithm = "HS256"
const issuer = "ems"
const audience = "ems-api"
/** RFC 9068: no other JWT is taken for an access token. */
const typ = "at+jwt"

/** What is believed of a token. */
export interface Claims {
  readonly accountId: bigint
  readonly sessionId: string
  /** Milliseconds since the epoch by the clock of this process, tolerance included. */
  readonly expiresAt: number
}

export class AccessTokens extends Context.Service<AccessTokens, {
  /** Seconds. */
  readonly life: number
  readonly sign: (subject: {
    readonly accountId: bigint
    readonly sessionId: string
    readonly role: Role
  }) => Effect.Effect<string>
  readonly verify: (token: string) => Effect.Effect<Claims, AccessError>
}>()("@ems/access/AccessTokens") {
  static readonly layerNoDeps = () => Layer.effect(AccessTokens, make)
}

/** Of an int8; text of the same length sorts as the number. */
const maxId = "9223372036854775807"

/** The claims that are ours; the registered ones are checked by `jose`. */
const decode = Schema.decodeUnknownEffect(Schema.Struct({
  sub: Schema.String.check(
    Schema.isPattern(/^[1-9]\d{0,18}$/),
    Schema.makeFilter((id) => id.length < maxId.length || id <= maxId)
  ),
  sid: Schema.String.check(Schema.isPattern(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)),
  jti: Schema.String,
  exp: Schema.Int,
  iat: Schema.Int
}))

const faultOf = (error: unknown): TokenFault => {
  if (error instanceof errors.JWTExpired) return "expired"
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed) {
    return "signature"
  }
  return "malformed"
}

const make = Effect.gen(function*() {
  const { accessTokenLife, clockTolerance, previousSecret, secret, warnOfRandomSecret } = yield* AccessConfig
  const secureRandom = yield* SecureRandom
  const { subtle } = yield* WebCrypto
  const clock = yield* Clock.Clock
  const imported = (bytes: Uint8Array): Effect.Effect<CryptoKey> =>
    Effect.promise(() =>
      // A copy: the types do not take a view of what may be a SharedArrayBuffer.
      subtle.importKey("raw", Uint8Array.from(bytes), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"])
    )
  if (secret === undefined && warnOfRandomSecret) {
    yield* Effect.logWarning(
      "EMS_AUTH_SECRET is not set: access tokens are signed with a random key of this process, " +
        "and nobody accepts them when it has ended"
    )
  }
  const current = yield* imported(secret === undefined ? yield* secureRandom.randomBytes(32) : Redacted.value(secret))
  const keys = previousSecret === undefined ? [current] : [current, yield* imported(Redacted.value(previousSecret))]

  const verifyWith = (token: string, key: CryptoKey) =>
    Effect.tryPromise({
      try: () =>
        jwtVerify(token, key, {
          algorithms: [algorithm],
          issuer,
          audience,
          typ,
          clockTolerance,
          currentDate: DateTime.toDateUtc(DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())),
          // However far away its end is said to be.
          maxTokenAge: 600
        }),
      catch: faultOf
    })

  return {
    life: accessTokenLife,
    sign: ({ accountId, role, sessionId }) =>
      Effect.flatMap(secureRandom.uuidV4(), (jti) => {
        const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
        return Effect.promise(() =>
          new SignJWT({ sid: sessionId, role })
            .setProtectedHeader({ alg: algorithm, typ })
            .setIssuer(issuer)
            .setAudience(audience)
            .setSubject(String(accountId))
            .setJti(jti)
            .setIssuedAt(now)
            .setExpirationTime(now + accessTokenLife)
            .sign(current)
        )
      }),
    verify: (token) => {
      const [first, ...others] = keys.map((key) => verifyWith(token, key))
      const verified = others.reduce(
        (sofar, next) => Effect.catchIf(sofar, (fault) => fault === "signature", () => next),
        first!
      )
      return verified.pipe(
        Effect.flatMap(({ payload }) => Effect.mapError(decode(payload), (): TokenFault => "malformed")),
        Effect.mapBoth({
          onFailure: (why) => AccessError.token(why),
          onSuccess: ({ exp, sid, sub }) => ({
            accountId: BigInt(sub),
            sessionId: sid,
            expiresAt: (exp + clockTolerance) * 1000
          })
        })
      )
    }
  } satisfies AccessTokens["Service"]
})
