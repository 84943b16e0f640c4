/**
 * Whose credential is this? The hot path of the API.
 *
 * A credential that was found good is believed for `revalidateAfter` (1 s), then the database is asked again. So one that
 * was revoked is refused at once by the process that revoked it, and within a second by every other. While the database
 * cannot be asked, one that was found good before may read for `offlineFor` (10 minutes): who is on call has to see
 * what is wrong.
 */
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import type { ReasonTag } from "@ems/db-core/errors/SqlState"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AccessConfig } from "./AccessConfig.ts"
import { AccessError } from "./AccessError.ts"
import { Credentials } from "./Credentials.ts"
import { type Known, KnownPrincipals } from "./KnownPrincipals.ts"
import { type Principal, readingOnly } from "./Principal.ts"
import * as TokenText from "./TokenText.ts"

/** No token of ours is longer; what is longer is not even hashed. Characters. */
const maxLength = 2048

/** A database that does not answer must not hold up one who was known. Milliseconds. */
const knownTimeout = 1000

/** The database has said nothing about the credential. What is not here is an answer, or a mistake of ours. */
const unanswered: ReadonlySet<ReasonTag> = new Set<ReasonTag>([
  "AuthenticationFailed",
  "ComputeWaking",
  "ConnectFailed",
  "ConnectionLost",
  "DatabaseMissing",
  "DeadlineExceeded",
  "LockTimeout",
  "PoolQueueFull",
  "PoolTimeout",
  "ResourceExhausted",
  "ServerError",
  "StatementTimeout"
])

export class Authentication extends Context.Service<Authentication, {
  /**
   * Who presents this bearer token: an access token or a machine token. Fails with `InvalidToken`; with a `DbError` when
   * the database cannot be asked and the token was not known before. Callers with the same token wait for one answer.
   */
  readonly authenticate: (bearer: string) => Effect.Effect<Principal, AccessError | DbError>
  /** The same, synchronously, for one that was checked within the last second and has not expired. */
  readonly tryKnown: (bearer: string) => Principal | undefined
}>()("@ems/access/Authentication") {
  static readonly layerNoDeps = () => Layer.effect(Authentication, make)
}

type Failure = AccessError | DbError
type Flight = Fiber.Fiber<Principal, Failure>

const make = Effect.gen(function*() {
  const { offlineFor, revalidateAfter } = yield* AccessConfig
  const clock = yield* Clock.Clock
  const credentials = yield* Credentials
  const remembered = yield* KnownPrincipals
  const scope = yield* Effect.scope
  const flights = new Map<string, { readonly generation: number; readonly fiber: Flight }>()

  const isFresh = ({ checkedAt, expiresAt }: Known, now: number): boolean =>
    now - checkedAt < revalidateAfter && now < expiresAt

  const mayRead = ({ checkedAt, expiresAt }: Known, now: number): boolean =>
    now < expiresAt && now - checkedAt <= offlineFor

  /** Asks the database; remembers what it said, unless something was revoked meanwhile. */
  const check = (
    bearer: string,
    key: string,
    before: Known | undefined,
    generation: number
  ): Effect.Effect<Principal, Failure> =>
    Effect.gen(function*() {
      const checkedAt = clock.currentTimeMillisUnsafe()
      const exit = yield* Effect.exit(credentials.check(bearer, before === undefined ? undefined : knownTimeout))
      if (Exit.isSuccess(exit)) {
        const { expiresAt, principal } = exit.value
        if (generation === remembered.generation()) {
          remembered.set(key, { principal, checkedAt, expiresAt, unansweredAt: undefined })
        }
        return principal
      }
      const error = Option.getOrUndefined(Exit.findErrorOption(exit))
      const now = clock.currentTimeMillisUnsafe()
      if (before !== undefined && isDbError(error) && unanswered.has(error.reason._tag) && mayRead(before, now)) {
        if (generation === remembered.generation()) remembered.set(key, { ...before, unansweredAt: now })
        return readingOnly(before.principal)
      }
      if (error instanceof AccessError) remembered.remove(key)
      return yield* Effect.failCause(exit.cause)
    })

  /** In a fibre of its own: the first who asked may leave without the others losing their answer. */
  const join = (bearer: string, key: string, before: Known | undefined): Effect.Effect<Principal, Failure> =>
    Effect.suspend(() => {
      const generation = remembered.generation()
      const flying = flights.get(key)
      // An answer that was asked for before a revocation may not know of it.
      if (flying !== undefined && flying.generation === generation) return Fiber.join(flying.fiber)
      return check(bearer, key, before, generation).pipe(
        Effect.forkIn(scope),
        Effect.flatMap((fiber) => {
          const flight = { generation, fiber }
          flights.set(key, flight)
          fiber.addObserver(() => {
            if (flights.get(key) === flight) flights.delete(key)
          })
          return Fiber.join(fiber)
        })
      )
    })

  return {
    authenticate: (bearer) =>
      Effect.suspend(() => {
        if (bearer.length > maxLength) return Effect.fail(AccessError.token("malformed"))
        const key = TokenText.hashOf(bearer)
        const known = remembered.get(key)
        if (known === undefined) return join(bearer, key, undefined)
        const now = clock.currentTimeMillisUnsafe()
        if (isFresh(known, now)) return Effect.succeed(known.principal)
        // It was asked a moment ago, and does not answer.
        if (known.unansweredAt !== undefined && now - known.unansweredAt < revalidateAfter && mayRead(known, now)) {
          return Effect.succeed(readingOnly(known.principal))
        }
        return join(bearer, key, known)
      }),
    tryKnown: (bearer) => {
      if (bearer.length > maxLength) return undefined
      const known = remembered.get(TokenText.hashOf(bearer))
      return known !== undefined && isFresh(known, clock.currentTimeMillisUnsafe()) ? known.principal : undefined
    }
  } satisfies Authentication["Service"]
})
