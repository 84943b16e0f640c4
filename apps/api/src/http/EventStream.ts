/**
 * Server-Sent Events (WHATWG HTML, 9.2): text that goes on for as long as there is something to tell. Interrupted when
 * the client goes away, ended when the server drains: a client comes back with `Last-Event-ID`, to another process.
 */
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Json } from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Failure, Refused } from "./Failure.ts"
import { describe } from "./Redaction.ts"

export interface Event {
  readonly id: number
  readonly event: string
  readonly data: Json
}

/** Streams at once, in this process: each is a connection that does not end by itself. */
export const mostStreams = 32

/** How often a comment is sent: proxies, and `Server.ts`, close a connection on which nothing moves. */
const keepAlive = "15 seconds"

/** When a client is to come back after its connection was lost. Milliseconds. */
const retry = 3000

/** How often a stream looks whether the server is about to stop. */
const drainInterval = "500 millis"

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  // nginx would collect events until a buffer is full.
  "x-accel-buffering": "no"
}

const full = new Refused({
  kind: {
    status: 503,
    reason: "TooManyStreams",
    detail: `This process serves ${mostStreams} event streams already.`,
    headers: { "retry-after": "5" }
  }
})

/** JSON has no line feeds of its own, so one `data` line is enough. */
const written = ({ data, event, id }: Event): string => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

const draining = Effect.sleep(drainInterval).pipe(
  Effect.andThen(HealthCheck.use(({ current }) => current)),
  Effect.repeat({ until: ({ state }) => state === "draining" })
)

/** What the client sent of the last event that it has; -1 when it has none, or not one of ours. */
export const lastSeen = (request: Request): number => {
  const id = request.headers.get("last-event-id") ?? ""
  return /^\d{1,15}$/.test(id) ? Number(id) : -1
}

export class EventStreams {
  /** How many there are now. */
  open = 0

  /**
   * Begins to send `events`. What a slow client does not take in time is left out but for the latest two: an event says
   * how things are, not what changed. Fails when there are as many streams as there may be.
   */
  readonly respond = <R>(
    events: Stream.Stream<Event, Failure, R>,
    request: Request
  ): Effect.Effect<Response, Refused, R | HealthCheck> =>
    Effect.gen({ self: this }, function*() {
      if (request.method === "HEAD") return new Response(null, { headers })
      if (this.open >= mostStreams) return yield* full
      const context = yield* Effect.context<R | HealthCheck>()
      const frames = Stream.fromIterable([`retry: ${retry}\n\n`]).pipe(
        Stream.concat(Stream.map(Stream.buffer(events, { capacity: 2, strategy: "sliding" }), written)),
        // The head is sent: all that can be said is that it is over. The client asks again, and is told why.
        Stream.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Stream.empty
            : Stream.fromEffectDrain(
              Effect.annotateLogs(Effect.logWarning("an event stream ended early"), describe(Cause.squash(cause)))
            )
        ),
        Stream.merge(
          Stream.fromSchedule(Schedule.spaced(keepAlive)).pipe(Stream.map(() => ": keep-alive\n\n")),
          { haltStrategy: "left" }
        ),
        Stream.interruptWhen(draining),
        Stream.ensuring(Effect.sync(() => this.open--)),
        Stream.encodeText
      )
      this.open++
      return new Response(Stream.toReadableStreamWith(frames, context, { signal: request.signal }), { headers })
    })
}
