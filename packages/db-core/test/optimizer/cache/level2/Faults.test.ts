/** A second level that is away, slow or talks nonsense costs its budget at most, and never an answer. */
import { makeCertificates, opensslMissing } from "@ems/db-testing"
import { type Redis, redisMissing, startRedis } from "@ems/db-testing/Redis"
import type { TestDatabase } from "@ems/db-testing/TestDatabase"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { budget } from "../../../../src/optimizer/cache/level2/RedisStore.ts"
import { openLayer, tracked, until } from "../support.ts"
import { startRedisProxy } from "./RedisProxy.ts"
import { openSharing, outsiderOf, pause, type Sharing } from "./shared.ts"

const missing = redisMissing()

/** What a busy machine adds to a read now and then. Milliseconds. */
const noise = 15

describe.skipIf(missing !== undefined)(`a second level in trouble${missing === undefined ? "" : ` (${missing})`}`, () => {
  let database: TestDatabase
  let redis: Redis
  const opened: Array<Sharing> = []
  /** What a miss takes without a second level: the median. Milliseconds. */
  let ordinary = 0
  beforeAll(async () => {
    database = await tracked()
    redis = await startRedis()
    const layer = await openLayer(database.url)
    const { v } = { v: (id: number) => layer.read((db) => db.query.parents.findFirst({ where: { id } })) }
    ordinary = median(await timed(v))
    await layer.close()
  })
  afterEach(async () => {
    for (const layer of opened.splice(0)) await layer.close()
  })
  afterAll(async () => {
    await redis.close()
    await database.close()
  })
  const layerOf = async (url: string, isReady = true) => {
    const layer = await openSharing(database.url, url, {}, isReady)
    opened.push(layer)
    return layer
  }
  let id = 1000
  const timed = async (read: (id: number) => Promise<unknown>, times = 40): Promise<ReadonlyArray<number>> => {
    const took: Array<number> = []
    for (let n = 0; n < times; n++) {
      const from = performance.now()
      expect(await read(id++)).toBe(undefined)
      took.push(performance.now() - from)
    }
    return took
  }
  const median = (values: ReadonlyArray<number>): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
  /** Reads are right, and none takes much longer than without it. */
  const holds = async (layer: Sharing, what: string) => {
    const took = await timed((n) => layer.v(n))
    const [middle, worst] = [median(took), Math.max(...took)]
    console.log(`${what}: median ${middle.toFixed(2)} ms, worst ${worst.toFixed(2)} ms, without ${ordinary.toFixed(2)} ms`)
    expect(middle).toBeLessThan(ordinary + budget)
    expect(worst).toBeLessThan(ordinary + budget + noise)
    const before = (await layer.v(1))!
    await database.admin("update parents set v = v + 1 where id = 1")
    expect(await layer.v(1, { consistency: "strong" })).toBe(before + 1)
  }
  const works = async (layer: Sharing) => {
    await until(async () => {
      const { puts } = await layer.l2()
      await layer.v(id++)
      await pause(20)
      return (await layer.l2()).puts > puts
    }, 10_000)
  }

  it("is not there", async () => {
    const layer = await layerOf("redis://127.0.0.1:1", false)
    await holds(layer, "nobody listens")
    expect(await layer.l2()).toMatchObject({ state: "connecting", hits: 0, puts: 0 })
  })

  it("is healthy, emptied at any time, and full of others' things", async () => {
    const layer = await layerOf(redis.url)
    const outsider = await outsiderOf(redis.url)
    const emptying = setInterval(() => void outsider.flush(), 2)
    await holds(layer, "healthy, emptied every 2 ms")
    clearInterval(emptying)
    await layer.v(2)
    await until(async () => (await outsider.answers()).size > 0)
    const other = await layerOf(redis.url)
    await layer.v(3)
    await until(async () => (await outsider.answers()).size > 1)
    for (const [key] of await outsider.answers()) await outsider.put(key, Buffer.from("nothing of ours"))
    expect(await other.v(3)).toBe(0)
    expect((await other.l2()).rejected.garbled).toBe(1)
    outsider.close()
    await works(other)
  })

  it("hangs, and goes on", async () => {
    const layer = await layerOf(redis.url)
    redis.freeze()
    await holds(layer, "it hangs")
    const { errors } = await layer.l2()
    expect(errors.timeout).toBeGreaterThanOrEqual(1)
    redis.resume()
    await works(layer)
    await holds(layer, "it hung")
  })

  it("is killed, and comes back", async () => {
    const own = await startRedis()
    const layer = await layerOf(own.url)
    await own.close()
    await holds(layer, "killed")
    const again = await startRedis({ port: own.port })
    await works(layer)
    await again.close()
  })

  it("says nothing, nonsense, or everything twice", async () => {
    const proxy = await startRedisProxy(redis.port)
    const layer = await layerOf(proxy.url)
    for (const tampering of ["garbage", "silence", "twice"] as const) {
      proxy.tampering = tampering
      await holds(layer, tampering)
      expect(await layer.v(4)).toBe(0)
      proxy.tampering = "none"
      await works(layer)
      expect(await layer.v(5)).toBe(0)
    }
    for (const tampering of ["garbage", "silence", "twice"] as const) {
      proxy.tampering = tampering
      await holds(await layerOf(proxy.url, false), `${tampering} from the start`)
    }
    proxy.close()
  })

  it("is reached with a password, and over TLS only when its certificate is right", async (ctx) => {
    const why = opensslMissing()
    if (why !== undefined) return ctx.skip(why)
    const certificates = makeCertificates()
    const secure = await startRedis({ password: "a b:c", certificates })
    await works(await layerOf(secure.url))
    const stranger = new URL(secure.url)
    stranger.search = ""
    const layer = await layerOf(stranger.href, false)
    await holds(layer, "a certificate of nobody")
    expect(await layer.l2()).toMatchObject({ state: "connecting", puts: 0 })
    await secure.close()
    certificates.remove()
  })
})
