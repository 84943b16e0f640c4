/** What a hit costs, through each of our doors, beside a bare map, a bare Effect, Drizzle's own cache and our database. */
import { keyOf } from "@ems/db-core/optimizer/cache/Key"
import * as Effect from "effect/Effect"
import { LRUCache } from "lru-cache"
import type { BenchOptions } from "../options.ts"
import { among, atLeast, atMost, type Part, thousands } from "../Part.ts"
import { measure, type Side } from "../Side.ts"
import { effectLoop } from "../sides/effectLoop.ts"
import { drizzle045 } from "./drizzle045.ts"
import { drizzleRc } from "./drizzleRc.ts"
import { type Ems, warm } from "./ems.ts"
import { rows } from "./Layout.ts"
import { promised, synchronous } from "./loops.ts"
import type { Peer } from "./Peer.ts"

/** Of those that go to the database, or to another thread. */
const callers = 32

/** As long as the prefix of our keys of a prepared query. */
const prefix = "0\0arrays\0"

const makeIds = () => {
  let next = 0
  return () => 1 + next++ % rows
}

/** What any cache of this kind must do: make a key that tells types apart, and look it up. */
const keyAndMap = ({ run }: Ems): ReadonlyArray<Side> => {
  const lru = new LRUCache<string, Array<object>>({ max: 2 * rows, maxSize: 67_108_864 })
  for (let id = 1; id <= rows; id++) lru.set(keyOf(prefix, [BigInt(id)])!, [{ id }], { size: 500 })
  const id = makeIds()
  const get = () => lru.get(keyOf(prefix, [BigInt(id())])!)
  const close = async () => {}
  return [
    {
      name: "typed key + lru-cache get",
      run: synchronous(get, () => Promise.reject(new Error("an entry is missing"))),
      close
    },
    {
      name: "runPromise(key + lru-cache get)",
      run: promised(1, () => run(Effect.withFiber(() => Effect.succeed(get() ?? [])))),
      close
    }
  ]
}

const ours = (ems: Ems): ReadonlyArray<Side> => {
  const id = makeIds()
  const row = [{ id: 1n }]
  const close = async () => {}
  return [
    { name: "ems tryHit", run: synchronous(() => ems.point.tryHit({ id: BigInt(id()) }), () => warm(ems)), close },
    {
      name: "ems runPromise(execute)",
      run: promised(1, () => ems.run(ems.point.bounded({ id: BigInt(id()) }))),
      close
    },
    { name: "runPromise(succeed)", run: promised(1, () => ems.run(Effect.succeed(row))), close },
    {
      name: `ems uncached, ${callers} callers`,
      run: (_, until) => ems.run(effectLoop(() => ems.point.uncached({ id: BigInt(id()) }), callers, until)),
      close
    }
  ]
}

/** Throws when what was measured were no hits. */
const theirs = (name: string, { cached, close, hits }: Peer, callersAtOnce: number): Side => {
  const id = makeIds()
  let answers = 0
  return {
    name: callersAtOnce === 1 ? name : `${name}, ${callersAtOnce} callers`,
    run: async (_, until) => {
      const before = hits()
      const done = await promised(callersAtOnce, () => cached(id()))(callersAtOnce, until)
      // Each of the users is asked for once.
      if (answers > rows && hits() - before < done) throw new Error(`${name} does not answer from its cache`)
      answers += done
      return done
    },
    close
  }
}

export const hits = async (url: string, ems: Ems, options: BenchOptions): Promise<Part> => {
  await warm(ems)
  const older = drizzle045(url)
  const newer = drizzleRc(url)
  const sides = [
    ...keyAndMap(ems),
    ...ours(ems),
    ...[1, callers].flatMap((
      count
    ) => [theirs("drizzle 0.45 cached", older, count), theirs("drizzle rc cached", newer, count)])
  ]
  const before = await ems.snapshot()
  // A third is a hundred thousand hits, and the sides are many.
  const measured = await measure(sides, { callers: 1, rounds: options.rounds, seconds: options.seconds / 3 })
  const after = await ems.snapshot()
  for (const side of sides) await side.close()
  const ratio = among(measured)
  const hit = after.hits - before.hits
  const missed = after.misses + after.revalidated + after.joined - before.misses - before.revalidated - before.joined
  return {
    title: `hits: users by key, ${rows} of them in memory, prepared; calls/s`,
    measured,
    seen: [
      `what key + lru-cache get alone cost behind that door, against runPromise(succeed): ${
        ratio("runPromise(succeed)", "runPromise(key + lru-cache get)").toFixed(2)
      }x`,
      `of ems' cached reads ${missed} were no hits, ${thousands(hit)} were`,
      ...["drizzle 0.45 cached", "drizzle rc cached"].map((name) =>
        `ems tryHit against ${name}, ${callers} callers: ${
          ratio("ems tryHit", `${name}, ${callers} callers`).toFixed(1)
        }x`
      ),
      ...["drizzle 0.45 cached", "drizzle rc cached"].map((name) =>
        `ems runPromise(execute) against ${name}: ${ratio("ems runPromise(execute)", name).toFixed(1)}x`
      )
    ],
    outcomes: [
      atMost(
        "what ems tryHit costs, against typed key + lru-cache get",
        ratio("typed key + lru-cache get", "ems tryHit"),
        5
      ),
      atMost(
        "what ems runPromise(execute) costs, against runPromise(succeed)",
        ratio("runPromise(succeed)", "ems runPromise(execute)"),
        2
      ),
      atLeast("ems tryHit against drizzle 0.45 cached", ratio("ems tryHit", "drizzle 0.45 cached"), 50),
      atLeast("ems tryHit against drizzle rc cached", ratio("ems tryHit", "drizzle rc cached"), 12),
      atLeast(
        `ems tryHit against ems uncached, ${callers} callers`,
        ratio("ems tryHit", `ems uncached, ${callers} callers`),
        15
      )
    ]
  }
}
