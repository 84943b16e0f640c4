/**
 * The clock and the way: how far the server's time is from ours, and how long an answer is on its way.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serverClock } from "../catalog/serverClock.ts"
import type { DbError } from "../errors/DbError.ts"
import type { Conversation } from "./Conversation.ts"
import { judged, ok, type Outcome } from "./Step.ts"

/** Leases, and tokens with a time in them, are judged by two clocks: a difference above it is told of. Milliseconds. */
const mostOff = 1000

/** The quickest answer is the least uncertain one. */
const samples = 3

/** Round trips that the median is of. */
const trips = 5

const shown = (ms: number): number => Math.round(ms * 100) / 100

/** Cristian's algorithm: the server's time is taken to be that of the middle of the round trip, give or take half. */
const compared = (talk: Conversation): Effect.Effect<{ readonly offMs: number; readonly tripMs: number }, DbError> =>
  Effect.gen(function*() {
    const before = yield* Clock.currentTimeMillis
    const { nowMs } = yield* talk.one(serverClock)
    const after = yield* Clock.currentTimeMillis
    return { offMs: nowMs - (before + after) / 2, tripMs: after - before }
  })

export const clock = (talk: Conversation): Effect.Effect<Outcome, DbError> =>
  Effect.map(Effect.replicateEffect(compared(talk), samples), (all) => {
    const { offMs, tripMs } = all.reduce((best, one) => one.tripMs < best.tripMs ? one : best)
    const seen = { differenceMs: shown(offMs), uncertaintyMs: shown(tripMs / 2) }
    // No matter how the packets travelled, at least so far.
    const least = Math.abs(offMs) - tripMs / 2
    return judged(
      "the server's clock and this machine's agree",
      seen,
      least <= mostOff ? [] : [{
        summary: `the server's clock is ${shown(Math.abs(offMs) / 1000)} s ${
          offMs > 0 ? "ahead of" : "behind"
        } this machine's`,
        advice: "set both by NTP (timedatectl, chronyc tracking); leases and tokens end at the wrong time until then"
      }]
    )
  })

export const roundTrip = (talk: Conversation): Effect.Effect<Outcome, DbError> =>
  Effect.map(Effect.replicateEffect(talk.roundTrip, trips), (all) => {
    const sorted = all.toSorted((a, b) => a - b)
    const median = shown(sorted[Math.floor(trips / 2)] ?? 0)
    return ok(`${median} ms there and back`, {
      medianMs: median,
      leastMs: shown(sorted[0] ?? 0),
      mostMs: shown(sorted[trips - 1] ?? 0),
      trips
    })
  })
