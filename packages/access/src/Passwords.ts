/**
 * Passwords: which are accepted, and how they are kept.
 *
 * argon2id with 19 MiB, two passes and one lane: OWASP Password Storage Cheat Sheet, 2024. What is accepted follows NIST
 * SP 800-63B-3, 5.1.1.2, with a longer minimum: a length, no rules of composition, nothing that everybody tries first.
 */
import type { ParsedHashOptions } from "@node-rs/argon2"
import * as Context from "effect/Context"
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import { AccessConfig } from "./AccessConfig.ts"
import { AccessError } from "./AccessError.ts"
import { commonPasswords } from "./commonPasswords.ts"
import * as TokenText from "./TokenText.ts"

/** Native code. Loaded with the first password: commands that read none run without it. */
const argon2 = Effect.promise(() => import("@node-rs/argon2"))

/** KiB, passes, lanes. The algorithm is the library's default, argon2id. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** What one hash takes where two run at a time, roughly. Milliseconds. */
const hashTime = 50

const minLength = 12
const maxLength = 128

/** Characters of a password before it is normalized: NFKC makes up to 18 of one. */
const maxRaw = 1024

/** Two keyboards write the same letter differently. */
const normal = (password: Redacted.Redacted): string => {
  const raw = Redacted.value(password)
  // Also what is far too long is hashed, cut: it takes the time that a wrong password takes.
  return raw.slice(0, maxRaw).normalize("NFKC")
}

const weak = (expected: string) => Effect.fail(AccessError.of({ _tag: "WeakPassword", expected }))

/** Whether the password may be chosen by the account with this e-mail. */
const check = (password: Redacted.Redacted, email: string): Effect.Effect<string, AccessError> => {
  const text = normal(password)
  const { length } = Array.from(text)
  if (length < minLength || length > maxLength || Redacted.value(password).length > maxRaw) {
    return weak(`${minLength} to ${maxLength} characters`)
  }
  // It would be stored as another one, and that one would be accepted as well.
  if (!text.isWellFormed()) return weak("text in Unicode")
  const folded = text.toLowerCase()
  if (folded === email) return weak("something else than the e-mail")
  if (commonPasswords.has(folded) || new Set(folded).size < 3) return weak("something that is not tried first")
  return Effect.succeed(text)
}

const isWeaker = (encoded: string, { memoryCost, parallelism, timeCost }: ParsedHashOptions): boolean =>
  !encoded.startsWith("$argon2id$") || memoryCost < parameters.memoryCost || timeCost < parameters.timeCost ||
  parallelism < parameters.parallelism

export interface Verified {
  readonly isRight: boolean
  /** A hash to keep instead, when the parameters have become stronger since. */
  readonly rehashed: string | undefined
}

export class Passwords extends Context.Service<Passwords, {
  /** For a new password. Fails with `WeakPassword`, and with `Overloaded` when too many wait. */
  readonly hash: (password: Redacted.Redacted, email: string) => Effect.Effect<string, AccessError>
  /**
   * Compares with the hash of an account, or, in the same time, with that of nobody. Fails with `Overloaded` when too
   * many wait.
   */
  readonly verify: (password: Redacted.Redacted, encoded: string | undefined) => Effect.Effect<Verified, AccessError>
}>()("@ems/access/Passwords") {
  static readonly layerNoDeps = () => Layer.effect(Passwords, make)
}

const make = Effect.gen(function*() {
  const { hashConcurrency, hashWaitingMax } = yield* AccessConfig
  const permits = yield* Semaphore.make(hashConcurrency)
  let admitted = 0

  /** A flood of logins must neither eat the memory nor queue up for minutes. */
  const bounded = <A>(work: Effect.Effect<A>): Effect.Effect<A, AccessError> =>
    Effect.suspend(() => {
      if (admitted >= hashConcurrency + hashWaitingMax) {
        const retryAfterMs = Math.ceil(hashTime * admitted / hashConcurrency)
        return Effect.fail(AccessError.of({ _tag: "Overloaded", retryAfterMs }))
      }
      admitted++
      return Effect.ensuring(
        // The thread goes on when its caller has left, and so does its memory: the place is not free before.
        permits.withPermit(Effect.uninterruptible(work)),
        Effect.sync(() => {
          admitted--
        })
      )
    })

  const hashed = (text: string) => Effect.flatMap(argon2, ({ hash }) => Effect.promise(() => hash(text, parameters)))

  const dummy = yield* Effect.cached(Effect.flatMap(TokenText.random(yield* SecureRandom), hashed))

  return {
    hash: (password, email) => Effect.flatMap(check(password, email), (text) => bounded(hashed(text))),
    verify: (password, encoded) => {
      const text = normal(password)
      const isWhole = Redacted.value(password).length <= maxRaw
      return bounded(Effect.gen(function*() {
        const { parseOptions, verify } = yield* argon2
        // Also where it is not needed: made for the first unknown account only, it would take the time that tells.
        const nobody = yield* dummy
        const isRight = yield* Effect.tryPromise(() => verify(encoded ?? nobody, text)).pipe(
          // What is no hash of argon2 (an account made by hand) is a wrong password, in the usual time.
          Effect.catch(() => Effect.promise(() => verify(nobody, text).then(() => false)))
        )
        if (!isRight || !isWhole || encoded === undefined) return { isRight: false, rehashed: undefined }
        return { isRight, rehashed: isWeaker(encoded, parseOptions(encoded)) ? yield* hashed(text) : undefined }
      }))
    }
  } satisfies Passwords["Service"]
})
