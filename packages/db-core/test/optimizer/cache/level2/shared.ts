/** Data layers that share a Redis, and the Redis itself as an outsider sees it. */
import { type Redis, redisMissing, type RedisOptions, startRedis } from "@ems/db-testing/Redis"
import { createClient, RESP_TYPES } from "@redis/client"
import { eq } from "drizzle-orm"
import type { Input } from "../../../../src/config/DbConfig.ts"
import type { CacheSnapshot } from "../../../../src/optimizer/Optimizer.ts"
import { type Layer, openLayer, parents, until } from "../support.ts"

/** Why there is nothing to test with; `undefined` when there is. */
export const missing = redisMissing()

export type L2 = NonNullable<CacheSnapshot["level2"]>

export interface Outsider {
  /** Every answer there, by key; not the claims. */
  readonly answers: () => Promise<ReadonlyMap<string, Buffer>>
  readonly put: (key: string, bytes: Buffer) => Promise<unknown>
  readonly flush: () => Promise<unknown>
  readonly close: () => void
}

export const outsiderOf = async (url: string): Promise<Outsider> => {
  const client = createClient({ url }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  client.on("error", () => {})
  await client.connect()
  return {
    answers: async () => {
      const keys = (await client.keys("ems:*")).map(String).filter((key) => !key.endsWith(":f"))
      const values = await Promise.all(keys.map((key) => client.get(key)))
      return new Map(keys.flatMap((key, at) => {
        const value = values[at]
        return Buffer.isBuffer(value) ? [[key, value] as const] : []
      }))
    },
    put: (key, bytes) => client.set(key, bytes, { PX: 60_000 }),
    flush: () => client.flushAll(),
    close: () => client.destroy()
  }
}

/** Long enough for a few polls, after which the same may be asked of Redis again. */
export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

export interface Sharing extends Layer {
  readonly l2: () => Promise<L2>
  /** `v` of a parent. */
  readonly v: (id: number, options?: Parameters<Layer["read"]>[1]) => Promise<number | undefined>
}

/** Parents that nobody else reads. */
let nobody = 0

/** Opens one, and waits until it asks Redis. */
export const openSharing = async (
  url: string,
  redisUrl: string,
  settings: Partial<Input> = {},
  isReady = true
): Promise<Sharing> => {
  const layer = await openLayer(url, { cachePollInterval: 20, ...settings, redisUrl })
  const l2 = async () => {
    const { level2 } = await layer.snapshot()
    if (level2 === null) throw new Error("no second level")
    return level2
  }
  const v: Sharing["v"] = async (id, options) =>
    (await layer.read((db) => db.select().from(parents).where(eq(parents.id, id)), options))[0]?.v
  if (isReady) {
    await until(async () => {
      await v(--nobody)
      const { misses, puts } = await l2()
      return misses > 0 && puts > 0
    })
    await pause(50)
  }
  return { ...layer, l2, v }
}

export const start = async (options?: RedisOptions): Promise<{ redis: Redis; outsider: Outsider }> => {
  const redis = await startRedis(options)
  return { redis, outsider: await outsiderOf(redis.url) }
}
