/**
 * Redis or Valkey as the second level needs it: answers within the budget or not at all. A reader never waits for a
 * connection, and after a few failures in a row nobody asks for a while.
 */
import { type RedisArgument, RESP_TYPES } from "@redis/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as RedisConnection from "../../../connection/RedisConnection.ts"

/** Why there was no answer. `circuit`: it was not asked. */
export type StoreError = "connection" | "timeout" | "reply" | "circuit"

/** `connecting`: there is no connection now. `open`: it failed several times in a row and is left alone. */
export type StoreState = "connecting" | "ready" | "open"

/** What is kept under a key, and for how much longer. Milliseconds. */
export interface Kept {
  readonly bytes: Buffer
  readonly leftMs: number
}

export interface Store {
  readonly state: Effect.Effect<StoreState>
  /** What comes on its connection cannot be relied on: takes a new one. */
  readonly restart: () => void
  /** Within `budget`, plus the time the process itself is busy. */
  readonly get: (key: string) => Effect.Effect<Kept | undefined, StoreError>
  /** Within `budget` too. Whether nobody else holds `key`; it is held for `ms` at most. */
  readonly claim: (key: string, ms: number) => Effect.Effect<boolean, StoreError>
  /** For `ms`, and gives up `claimed`. */
  readonly put: (
    key: string,
    bytes: Buffer,
    ms: number,
    claimed: string | undefined
  ) => Effect.Effect<void, StoreError>
}

/** What a reader may lose to Redis. Milliseconds. */
export const budget = 5

/** Nobody waits for a put. Milliseconds. */
const putBudget = 1000

const failuresInARow = 5

/** Asked again after 0.2 s, 0.4 s, … and then every 1.6 s. */
const openFor = Schedule.exponential(200).pipe(Schedule.upTo({ times: 4 }))

/** Its values as bytes: they are no text. */
const asBytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }

const circuitKey = "level2"

/** Connects in the background. */
export const make = (url: Redacted.Redacted): Effect.Effect<Store, never, Scope.Scope> =>
  Effect.gen(function*() {
    const memory = yield* Layer.build(CircuitBreaker.layerStoreMemory())
    const breaker = yield* Effect.provideContext(
      CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(failuresInARow), openDuration: openFor }),
      memory
    )

    let silences = 0
    const { current } = yield* RedisConnection.make(url, () => void (silences = 0))

    /** All are written at once, and answered in order. */
    const ask = (commands: ReadonlyArray<ReadonlyArray<RedisArgument>>) =>
      Effect.tryPromise({
        try: () => {
          const client = current()?.client
          if (client === undefined) return Promise.reject(new Error("closed"))
          return Promise.all(commands.map((command) => client.sendCommand<unknown>(command, asBytes)))
        },
        catch: (): StoreError => "connection"
      })

    const limited = <A>(run: Effect.Effect<A, StoreError>, ms: number): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => {
        // Costs nothing, and opens no circuit: the connection comes back by itself.
        const asked = current()
        if (asked === undefined) return Effect.fail<StoreError>("connection")
        const late = Effect.sleep(ms).pipe(
          // An answer that arrived while the process was busy is read first.
          Effect.andThen(Effect.yieldNow),
          Effect.andThen(Effect.suspend(() => {
            // It may wait for the rest of something that never comes.
            if (++silences >= failuresInARow) asked.restart()
            return Effect.fail<StoreError>("timeout")
          }))
        )
        const heard = Effect.tap(run, Effect.sync(() => void (silences = 0)))
        return breaker.execute(Effect.raceFirst(heard, late), { key: circuitKey }).pipe(
          Effect.mapError((error): StoreError => typeof error === "string" ? error : "circuit"),
          // Not what was asked for: it is out of step.
          Effect.tapError((error) => Effect.sync(() => error === "reply" && asked.restart()))
        )
      })

    return {
      restart: () => current()?.restart(),
      state: Effect.suspend(() => {
        const isReady = current() !== undefined
        return breaker.state(circuitKey).pipe(
          Effect.map(({ _tag }): StoreState => _tag === "Open" ? "open" : isReady ? "ready" : "connecting"),
          Effect.orElseSucceed((): StoreState => "connecting")
        )
      }),
      get: (key) =>
        limited(
          Effect.flatMap(ask([["GET", key], ["PTTL", key]]), ([bytes, leftMs]) => {
            const isKept = Buffer.isBuffer(bytes) && typeof leftMs === "number"
            if (bytes !== null && !isKept) return Effect.fail<StoreError>("reply")
            // It expired in between, or somebody else put it there without an end.
            return Effect.succeed(isKept && leftMs > 0 ? { bytes, leftMs } : undefined)
          }),
          budget
        ),
      claim: (key, ms) =>
        limited(
          Effect.flatMap(
            ask([["SET", key, "", "NX", "PX", String(Math.ceil(ms))]]),
            ([reply]) =>
              reply === null || reply === "OK" ? Effect.succeed(reply === "OK") : Effect.fail<StoreError>("reply")
          ),
          budget
        ),
      put: (key, bytes, ms, claimed) => {
        const set: ReadonlyArray<RedisArgument> = ["SET", key, bytes, "PX", String(Math.ceil(ms))]
        return limited(Effect.asVoid(ask(claimed === undefined ? [set] : [set, ["DEL", claimed]])), putBudget)
      }
    }
  })
