import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import pg from "pg"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { applicationNameOf, type FeedProxy, startFeedProxy } from "../cache/history/FeedProxy.ts"

let database: TestDatabase
let proxy: FeedProxy
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  proxy = await startFeedProxy({ target: database.url, random: () => 1 })
})
afterAll(async () => {
  proxy.close()
  await database.close()
})

const withSession = async <A>(name: string, use: (client: pg.Client) => Promise<A>): Promise<A> => {
  const client = new pg.Client({ connectionString: proxy.url, application_name: name, connectionTimeoutMillis: 300 })
  client.on("error", () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}

const answers = (client: pg.Client): Promise<boolean> =>
  Promise.race([
    client.query("select 1").then(() => true, () => false),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 300))
  ])

describe("the feed's proxy", () => {
  it("hits the feed's session alone", async () => {
    for (const fault of ["hole", "cut"] as const) {
      await withSession("app feed", (feed) =>
        withSession("app", async (other) => {
          expect(await answers(feed)).toBe(true)
          proxy.setFeed(fault)
          expect(await answers(feed)).toBe(false)
          expect(await answers(other)).toBe(true)
          await expect(withSession("app feed", answers)).rejects.toThrow(/timeout|terminated|closed|reset/i)
          proxy.setFeed("none")
          expect(await answers(other)).toBe(true)
          // pg's `end` would wait for an answer that is lost.
          proxy.setClosed(true)
          proxy.setClosed(false)
        }))
      await withSession("app feed", async (feed) => expect(await answers(feed)).toBe(true))
    }
    expect(proxy.stats.faults).toBeGreaterThan(0)
    expect(proxy.stats.feeds).toBeGreaterThan(3)
  })

  it("holds what ends a write, and nothing else", async () => {
    await withSession("app", async (client) => {
      proxy.setAckDelay(60)
      const took = async (text: string) => {
        const started = performance.now()
        await client.query(text)
        return performance.now() - started
      }
      await took("create temp table t as select 1 as v")
      expect(await took("update t set v = 2")).toBeGreaterThan(55)
      expect(await took("begin")).toBeLessThan(40)
      expect(await took("commit")).toBeGreaterThan(55)
      proxy.setAckDelay(0)
      expect(await took("update t set v = 3")).toBeLessThan(40)
      expect(proxy.stats.delayed).toBe(2)
    })
  })
})

it("reads the application's name from a startup message, and waits until it is whole", () => {
  const body = Buffer.concat([
    Buffer.from([0, 3, 0, 0]),
    Buffer.from("user\0postgres\0application_name\0ems feed\0\0")
  ])
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  const message = Buffer.concat([length, body])
  expect(applicationNameOf(message)).toBe("ems feed")
  expect(applicationNameOf(message.subarray(0, 20))).toBeUndefined()
})
