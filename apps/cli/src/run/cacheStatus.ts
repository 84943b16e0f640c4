import { Cache } from "@ems/schema/contract/Cache"
import * as Effect from "effect/Effect"
import { bytes, duration, elapsed, figure, percent, print, shortFigure } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { withApi } from "./Source.ts"

const ratio = (share: number | null): string => share === null ? "nothing was read yet" : percent(share)

/** The most frequent first: `feed 12, transaction 3`. */
const byReason = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${figure(count)}`).join(", ") || "none"

const lines = (
  { enabled, feed, guarantee, hitRatio, level2, memory, reads, savedMs, stalenessMs }: Cache
): ReadonlyArray<string> => [
  `guarantee: ${enabled ? guarantee : "none, it is switched off"}${
    stalenessMs === null ? "" : `, at most ${duration(stalenessMs)} behind`
  }`,
  `hits: ${ratio(hitRatio)}, ${figure(reads.hits)} at once, ${figure(reads.revalidated)} after a look, ${
    figure(reads.joined)
  } with another reader, ${figure(reads.shared)} from Redis; ${figure(reads.misses)} misses`,
  `past the cache: ${byReason(reads.bypasses)}`,
  `saved: ${elapsed(savedMs)} of the database`,
  `memory: ${bytes(memory.bytes)} of ${bytes(memory.maxBytes)}, ${figure(memory.entries)} of ${
    figure(memory.maxEntries)
  } answers`,
  `change log: ${
    feed === null ? "none" : `${feed.state}, ${figure(feed.polls)} looks, ${figure(feed.failures)} failed`
  }`,
  ...(level2 === null ? [] : [
    `Redis: ${level2.state}, ${figure(level2.hits)} hits, ${figure(level2.misses)} misses, errors: ${
      byReason(level2.errors)
    }`
  ])
]

/** Queries that are shown to people. */
const most = 20

const queriesOf = Effect.fnUntraced(function*({ queries }: Cache) {
  const shown = queries.toSorted((a, b) => b.savedMs - a.savedMs).slice(0, most)
  return [
    ...table(shown, [
      { name: "hits", of: ({ hitRatio }) => hitRatio === null ? null : percent(hitRatio), align: "right" },
      { name: "saved", of: ({ savedMs }) => elapsed(savedMs), align: "right" },
      { name: "misses", of: ({ misses }) => shortFigure(misses), align: "right" },
      { name: "size", of: ({ bytes: size }) => bytes(size), align: "right" },
      { name: "not cached", of: ({ bypass }) => bypass, shrinksTo: 10 },
      { name: "query", of: ({ text }) => text, shrinksTo: 24 }
    ], yield* screen),
    ...(shown.length < queries.length ? [`${shown.length} of ${queries.length} queries; --json has all`] : [])
  ]
})

export const runCacheStatus = Effect.fn("emsdb.cache.status")(
  function*({ api, json }: { readonly api: URL; readonly json: boolean }) {
    const known = yield* withApi(api, ({ ask }) => ask(Cache, { path: "api/db/cache" }))
    yield* print(Cache, known, { json, lines: [...lines(known), ...yield* queriesOf(known)] })
  }
)
