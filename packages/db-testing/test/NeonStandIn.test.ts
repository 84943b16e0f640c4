import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { createTestDatabase, type NeonStandIn, startNeonStandIn, type TestDatabase } from "../src/index.ts"
import * as Wire from "../src/Wire.ts"
import {
  firstColumn,
  logInTo,
  type NeonClient,
  openNeonClient,
  passwordMessage,
  simpleQuery,
  types
} from "./NeonClient.ts"

describe("NeonStandIn", () => {
  let database: TestDatabase
  let neon: NeonStandIn
  const clients: Array<NeonClient> = []
  const open = async () => {
    const client = await openNeonClient(neon.webSocketUrl)
    clients.push(client)
    return client
  }
  const ready = async () => {
    const client = await open()
    const { greeting } = await logInTo(client, database.url)
    expect(types(greeting)).toMatch(/^R+S+KZ$/)
    return { client, greeting }
  }

  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    neon = await startNeonStandIn({ postgresUrl: database.url })
  })
  afterEach(() => {
    neon.reset()
    for (const client of clients.splice(0)) client.close()
  })
  afterAll(async () => {
    await neon.close()
    await database.close()
  })

  it("asks for a cleartext password and relays to a server that wants scram", async () => {
    const client = await open()
    const { asked, greeting } = await logInTo(client, database.url)
    expect(asked.map((frame) => frame.toString("hex"))).toEqual([Wire.authentication(3).toString("hex")])
    expect(greeting[0]?.toString("hex")).toBe(Wire.authentication(0).toString("hex"))
    client.send(simpleQuery("SELECT current_database()"))
    expect(firstColumn(await client.read("Z"))).toEqual([database.name])
  })

  it("takes startup, password and statement in one message", async () => {
    const client = await open()
    const { password, username } = new URL(database.url)
    client.send(
      Wire.startupMessage({ user: username, database: database.name }),
      passwordMessage(decodeURIComponent(password)),
      simpleQuery("SELECT 'pipelined'")
    )
    await client.read("Z")
    expect(firstColumn(await client.read("Z"))).toEqual(["pipelined"])
  })

  it("tells a wrong password in Neon's words, as XX000", async () => {
    const client = await open()
    const wrong = new URL(database.url)
    wrong.password = "wrong"
    const { greeting } = await logInTo(client, wrong.href)
    expect(types(greeting)).toBe("E")
    expect(Wire.parseError(greeting[0]?.subarray(5) ?? Buffer.alloc(0))).toEqual({
      severity: "ERROR",
      code: "XX000",
      message: "password authentication failed for user 'postgres'"
    })
  })

  it("drops the startup parameters that Neon drops", async () => {
    const client = await open()
    await logInTo(client, database.url, {
      statement_timeout: "1234",
      application_name: "kept",
      options: "endpoint=ep-x -c lock_timeout=77ms"
    })
    client.send(
      simpleQuery(
        "SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('application_name'), "
          + "current_setting('lock_timeout'))"
      )
    )
    expect(firstColumn(await client.read("Z"))).toEqual(["0 kept 77ms"])
    expect(neon.stats.startups.at(-1)).toMatchObject({ statement_timeout: "1234" })
  })

  it("gives out a cancel key of its own and maps it back", async () => {
    const { client, greeting } = await ready()
    const key = greeting.find((frame) => Wire.typeOf(frame) === "K") ?? Buffer.alloc(0)
    client.send(simpleQuery("SELECT pg_backend_pid()"))
    const [pid] = firstColumn(await client.read("Z"))
    expect(key.readInt32BE(5)).not.toBe(Number(pid))

    client.send(simpleQuery("SELECT pg_sleep(30)"))
    await expect.poll(() => database.admin("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"))
      .toHaveLength(1)
    const stranger = await open()
    stranger.send(Wire.untyped(Wire.cancelRequestCode, Wire.int32(Number(pid), 1)))
    await stranger.closed
    const canceller = await open()
    canceller.send(Wire.untyped(Wire.cancelRequestCode, key.subarray(5)))
    await canceller.closed
    const error = (await client.read("E")).find((frame) => Wire.typeOf(frame) === "E")
    expect(Wire.parseError(error?.subarray(5) ?? Buffer.alloc(0)).code).toBe("57014")
  })

  it("cuts at a command tag, when the work is already done", async () => {
    const { client } = await ready()
    client.send(simpleQuery("CREATE TABLE cut (n int)"))
    await client.read("Z")
    neon.fault.cutOnCommandTag = "INSERT"
    client.send(simpleQuery("INSERT INTO cut VALUES (1)"))
    await client.closed
    expect(types(await client.read("Z"))).toBe("")
    expect(await database.admin("SELECT n FROM cut")).toEqual([{ n: 1 }])
  })

  it("holds everything while frozen and delivers it in order afterwards", async () => {
    const { client } = await ready()
    neon.fault.freeze = true
    client.send(simpleQuery("SELECT 'late'"))
    const answer = client.read("Z")
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 200, "silence"))])
    expect(first).toBe("silence")
    neon.fault.freeze = false
    expect(firstColumn(await answer)).toEqual(["late"])
  })

  it("adds latency and wakes up slowly on demand", async () => {
    neon.fault.coldStartMs = 150
    const begun = performance.now()
    const { client } = await ready()
    expect(performance.now() - begun).toBeGreaterThanOrEqual(140)
    neon.fault.latencyMs = 100
    const asked = performance.now()
    client.send(simpleQuery("SELECT 1"))
    await client.read("Z")
    expect(performance.now() - asked).toBeGreaterThanOrEqual(90)
  })

  it("refuses the upgrade and the startup on demand", async () => {
    neon.fault.refuseUpgrade = 503
    await expect(open()).rejects.toThrow(/503/)
    neon.reset()
    neon.fault.startupError = { message: "endpoint is disabled" }
    const client = await open()
    client.send(Wire.startupMessage({ user: "x", database: "x" }))
    const [error] = await client.read("E")
    expect(Wire.parseError(error?.subarray(5) ?? Buffer.alloc(0))).toEqual({
      severity: "ERROR",
      code: "XX000",
      message: "endpoint is disabled"
    })
    await client.closed
  })

  it("says nothing as a black hole, and killAll ends what is open", async () => {
    neon.fault.blackhole = true
    const client = await open()
    client.send(Wire.startupMessage({ user: "postgres", database: database.name }))
    const first = await Promise.race([client.read("R"), new Promise((resolve) => setTimeout(resolve, 200, "silence"))])
    expect(first).toBe("silence")
    neon.killAll()
    await client.closed
    await expect.poll(() => neon.stats.open).toBe(0)
  })
})
