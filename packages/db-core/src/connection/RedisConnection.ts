/**
 * A connection to Redis or Valkey that is there or is not: nobody waits for it. One that is lost is replaced in the
 * background.
 *
 * The only file that knows the client, which is loaded with it.
 */
import { createClient, type RedisClientType } from "@redis/client"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"

/** Connecting with its greetings, at most. Milliseconds. */
const connectTimeout = 2000

/** Between two connections: twice as long each time. Milliseconds. */
const reconnectMin = 100
const reconnectMax = 5000

/** More than that waits only for a Redis that does not answer. */
const maxQueued = 1000

/** A connection that has answered. */
export interface RedisSession {
  readonly client: RedisClientType
  /** Ends it: another one is opened. */
  readonly restart: () => void
}

export interface RedisConnection {
  /** `undefined` while there is none. */
  readonly current: () => RedisSession | undefined
}

/** Connects in the background. `connected` is called with each new connection. */
export const make = (
  url: Redacted.Redacted,
  connected: () => void = () => {}
): Effect.Effect<RedisConnection, never, Scope.Scope> =>
  Effect.gen(function*() {
    let current: RedisSession | undefined
    let failures = 0
    const session = Effect.suspend(() => {
      const client = clientOf(url)
      const lost = Deferred.makeUnsafe<void>()
      const restart = () => {
        // From now on: whoever asks next must not be answered by it.
        if (current?.client === client) current = undefined
        Deferred.doneUnsafe(lost, Exit.void)
      }
      // A reply that makes no sense, too: what comes after it may belong to another question.
      client.on("error", restart)
      return Effect.tryPromise(() => client.connect()).pipe(
        Effect.timeout(connectTimeout),
        Effect.andThen(Effect.suspend(() => {
          current = { client, restart }
          failures = 0
          connected()
          return Deferred.await(lost)
        })),
        Effect.ensuring(Effect.suspend(() => {
          restart()
          // It throws when it was never open.
          return Effect.ignore(Effect.try(() => client.destroy()))
        }))
      )
    })
    yield* Effect.forkScoped(Effect.gen(function*() {
      for (;;) {
        yield* Effect.ignore(session)
        const wait = Math.min(reconnectMin * 2 ** Math.min(failures++, 10), reconnectMax)
        // Processes that lost the same Redis do not come back in step.
        yield* Effect.sleep(wait * (0.5 + 0.5 * (yield* Random.next)))
      }
    }))
    return { current: () => current }
  })

/** The authority's PEM file, as with `DATABASE_URL`. */
const authorityOf = (file: string | null): { readonly ca?: Buffer } => {
  if (file === null) return {}
  // Without it nothing is trusted that should not be: the handshake fails, and there is no connection.
  return Result.match(Result.try(() => readFileSync(file)), { onFailure: () => ({}), onSuccess: (ca) => ({ ca }) })
}

const clientOf = (url: Redacted.Redacted): RedisClientType => {
  const { hostname, password, pathname, port, protocol, searchParams, username } = new URL(Redacted.value(url))
  const socket = {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? 6379 : Number(port),
    connectTimeout,
    reconnectStrategy: false as const
  }
  return createClient({
    socket: protocol === "rediss:" ? { ...socket, tls: true, ...authorityOf(searchParams.get("sslrootcert")) } : socket,
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    database: Number(pathname.slice(1)),
    // Who asks while there is no connection is told so.
    disableOfflineQueue: true,
    commandsQueueMaxLength: maxQueued,
    disableClientInfo: true,
    maintNotifications: "disabled"
  })
}
