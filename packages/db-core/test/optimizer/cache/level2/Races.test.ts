/**
 * Readers and writers in two processes, and a writer that knows neither, for some seconds: each write adds one, so that
 * a value is its own version. Memory has room for one answer, so that nearly every read asks Redis.
 */
import { connect } from "@ems/db-testing/Admin"
import { eq, sql } from "drizzle-orm"
import { describe, expect, it } from "vitest"
import { parents, tracked } from "../support.ts"
import { missing, openSharing, pause, type Sharing, start } from "./shared.ts"

const staleness = 200
const seconds = 5
const ids = [1, 2, 3]

/** What was acknowledged, by when: times of this machine's clock. */
class Acknowledged {
  private readonly all: Array<{ readonly at: number; readonly v: number }> = []

  add(v: number): void {
    this.all.push({ at: performance.now(), v })
  }

  /** The latest that was told before `at`. */
  before(at: number): number {
    let v = 0
    for (const one of this.all) if (one.at <= at && one.v > v) v = one.v
    return v
  }
}

describe("sharing answers", () => {
  it("breaks no promise while everybody reads and writes", { timeout: 60_000 }, async (ctx) => {
    if (missing !== undefined) return ctx.skip(missing)
    const database = await tracked()
    const { outsider, redis } = await start()
    const settings = { cacheStaleness: staleness, cacheMaxEntries: 1, cachePollInterval: 30 }
    const layers = [
      await openSharing(database.url, redis.url, settings),
      await openSharing(database.url, redis.url, settings)
    ]
    const psql = await connect(database.url)
    const anybody = new Map(ids.map((id) => [id, new Acknowledged()]))
    const own = layers.map(() => new Map(ids.map((id) => [id, new Acknowledged()])))
    const returned = layers.map(() => new Map(ids.map((id) => [id, new Acknowledged()])))
    const broken: Array<string> = []
    let reads = 0
    const end = performance.now() + seconds * 1000
    const goesOn = () => performance.now() < end && broken.length === 0
    const any = <A>(from: ReadonlyArray<A>): A => from[Math.floor(Math.random() * from.length)]!

    const reading = async (layer: Sharing, at: number) => {
      while (goesOn()) {
        const id = any(ids)
        const level = any(["bounded", "bounded", "strong"] as const)
        const invoked = performance.now()
        const v = await layer.v(id, { consistency: level }) ?? -1
        reads++
        const told = (of: Acknowledged, by: number, promise: string) => {
          const least = of.before(by)
          if (v < least) broken.push(`${promise}: process ${at} read ${v} of ${id} (${level}), not ${least}`)
        }
        told(own[at]!.get(id)!, invoked, "own write")
        told(anybody.get(id)!, level === "strong" ? invoked : invoked - staleness, "staleness")
        told(returned[at]!.get(id)!, invoked, "backwards")
        returned[at]!.get(id)!.add(v)
        if (Math.random() < 0.2) await pause(1)
      }
    }
    const writing = async (layer: Sharing, at: number) => {
      while (goesOn()) {
        const id = any(ids)
        const [row] = await layer.run(
          layer.database.query((db) =>
            db.update(parents).set({ v: sql`${parents.v} + 1` }).where(eq(parents.id, id)).returning()
          )
        )
        own[at]!.get(id)!.add(row!.v)
        anybody.get(id)!.add(row!.v)
        await pause(Math.random() * 120)
      }
    }
    const outside = async () => {
      while (goesOn()) {
        const id = any(ids)
        const { rows: [row] } = await psql.query<{ v: number }>(
          "update parents set v = v + 1 where id = $1 returning v",
          [id]
        )
        anybody.get(id)!.add(row!.v)
        await pause(Math.random() * 120)
      }
    }
    /** What was put long ago comes again. */
    const late = async () => {
      const old: Array<readonly [string, Buffer]> = []
      while (goesOn()) {
        old.push(...await outsider.answers())
        const one = any(old)
        if (one !== undefined) await outsider.put(...one)
        await pause(20)
      }
    }
    await Promise.all([
      ...layers.flatMap((
        layer,
        at
      ) => [reading(layer, at), reading(layer, at), reading(layer, at), writing(layer, at)]),
      outside(),
      late()
    ])
    const reports = await Promise.all(layers.map((layer) => layer.l2()))
    console.log(
      `${reads} reads`,
      ...reports.map(({ hits, misses, rejected, skipped }) => JSON.stringify({ hits, misses, rejected, skipped }))
    )
    for (const layer of layers) await layer.close()
    await psql.end()
    outsider.close()
    await redis.close()
    await database.close()
    expect(broken).toEqual([])
    for (const { errors, hits, rejected } of reports) {
      expect(hits).toBeGreaterThan(10)
      expect(rejected.changed ?? 0).toBeGreaterThan(5)
      expect(errors.reply).toBe(undefined)
    }
  })
})
