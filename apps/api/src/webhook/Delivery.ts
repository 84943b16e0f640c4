/**
 * Sends notifications to the webhook, one after the other, in the background. A receiver that is slow or gone holds up
 * nobody: what does not fit the queue is dropped, the oldest first, and counted.
 */
import * as PublishedMetric from "@ems/db-core/telemetry/PublishedMetric"
import { Notification } from "@ems/schema/contract/Notification"
import * as Clock from "effect/Clock"
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { product } from "../product.ts"
import { sign } from "./signature.ts"
import type { WebhookSettings } from "./WebhookSettings.ts"

/** Notifications that may wait. */
const capacity = 100

/** An attempt takes at most so long. */
const timeout = "10 seconds"

/** Attempts at one notification. */
const attempts = 5

/** Why an attempt failed. Without the receiver's words or address. */
class Undelivered extends Data.TaggedError("Undelivered")<{ readonly reason: string; readonly mayRetry: boolean }> {}

export interface DeliveryOptions extends Pick<WebhookSettings, "url" | "key"> {
  /** Before the second attempt, about; four times as long before each one after it. Default 2 seconds. */
  readonly firstDelay?: Duration.Input
}

export interface Delivery {
  /** Puts it into the queue. Never waits. */
  readonly send: (item: Item) => Effect.Effect<void>
}

export interface Item {
  readonly notification: Notification
  /** What is to be done when the receiver has it. */
  readonly delivered?: Effect.Effect<void>
  /** What is to be done when it was given up. */
  readonly lost?: Effect.Effect<void>
}

const encode = Schema.encodeEffect(Notification)

export const make = Effect.fnUntraced(function*({ firstDelay = "2 seconds", key, url }: DeliveryOptions) {
  const random = yield* SecureRandom
  const context = yield* Effect.context()
  const queue: Array<Item> = []
  const filled = yield* Latch.make()
  const counts = { delivered: 0, failed: 0, dropped: 0 }
  const removals = (["delivered", "failed", "dropped"] as const).map((outcome) =>
    PublishedMetric.counter(
      context,
      "ems.webhook.notifications",
      { description: "notifications by what became of them", attributes: { outcome } },
      () => counts[outcome]
    )
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => removals.forEach((remove) => remove())))

  const retryDelays = Schedule.jittered(Schedule.exponential(firstDelay, 4))

  const attempt = (id: string, body: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const timestamp = Math.floor(now / 1000)
      return Effect.tryPromise({
        try: (signal) =>
          fetch(Redacted.value(url), {
            method: "POST",
            // A redirect could lead anywhere, into our own network too.
            redirect: "manual",
            headers: {
              "content-type": "application/json",
              "user-agent": `${product.name}/${product.version}`,
              "webhook-id": id,
              "webhook-timestamp": String(timestamp),
              ...(key !== undefined && { "webhook-signature": sign(Redacted.value(key), id, timestamp, body) })
            },
            body,
            signal
          }),
        // The error's text may hold the URL.
        catch: () => new Undelivered({ reason: "no connection", mayRetry: true })
      })
    }).pipe(
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new Undelivered({ reason: "no answer in time", mayRetry: true }))
      }),
      // What it says is not wanted, and its connection is.
      Effect.tap(({ body }) => Effect.promise(() => body?.cancel() ?? Promise.resolve())),
      Effect.map(({ status }) => status),
      Effect.filterOrFail(
        (status) => status >= 200 && status < 300,
        (status) => new Undelivered({ reason: `status ${status}`, mayRetry: status >= 500 || status === 429 })
      )
    )

  const deliver = ({ delivered = Effect.void, lost = Effect.void, notification }: Item) =>
    Effect.gen(function*() {
      const id = `msg_${yield* random.uuidV4()}`
      const encoded = yield* Effect.mapError(
        encode(notification),
        () => new Undelivered({ reason: "it is not in its contract's shape", mayRetry: false })
      )
      const body = JSON.stringify(encoded)
      yield* Effect.retry(attempt(id, body), {
        schedule: retryDelays,
        times: attempts - 1,
        while: ({ mayRetry }) => mayRetry
      })
    }).pipe(
      Effect.matchEffect({
        onSuccess: () => {
          counts.delivered++
          return delivered
        },
        onFailure: ({ reason }) => {
          counts.failed++
          return Effect.andThen(
            Effect.logWarning(`the webhook was not told of ${notification.event}: ${reason}`),
            lost
          )
        }
      })
    )

  const next = Effect.suspend(() => {
    const item = queue.shift()
    return item === undefined ? Effect.andThen(filled.close, filled.await) : deliver(item)
  })
  // Its spans would hold the URL's host, and its own requests are no work for anybody.
  yield* Effect.forkScoped(Effect.withTracerEnabled(Effect.forever(next), false))

  return {
    send: (item) =>
      Effect.suspend(() => {
        queue.push(item)
        const oldest = queue.length > capacity ? queue.shift() : undefined
        if (oldest === undefined) return filled.open
        counts.dropped++
        return Effect.andThen(
          Effect.logWarning("the webhook is behind: a notification was dropped"),
          oldest.lost ?? Effect.void
        )
      }).pipe(Effect.asVoid)
  } satisfies Delivery
})
