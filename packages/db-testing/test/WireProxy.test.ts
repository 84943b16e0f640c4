import { Client } from "pg"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { createTestDatabase, type TestDatabase } from "../src/TestDatabase.ts"
import { fatal, on, startWireProxy, type WireProxy } from "../src/WireProxy.ts"

let database: TestDatabase
let proxy: WireProxy
const clients: Array<Client> = []

/** A client through the proxy. */
const connect = async (
  options: { readonly query_timeout?: number; readonly connectionTimeoutMillis?: number } = {}
) => {
  const client = new Client({ connectionString: proxy.url, connectionTimeoutMillis: 2000, ...options })
  client.on("error", () => {})
  await client.connect()
  clients.push(client)
  return client
}
const count = async (id: string) =>
  Number((await database.admin("select count(*) n from h where id = $1", [id]))[0]?.["n"])
const refusal = (promise: Promise<unknown>) =>
  promise.then(() => "resolved", (error: unknown) => {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    return code ?? message
  })

beforeEach(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id text)")
  proxy = await startWireProxy({ postgresUrl: database.url })
})
afterEach(async () => {
  await proxy.heal()
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => {})))
  await proxy.close()
  await database.close()
})

describe("without faults", () => {
  it("forwards the login, both protocols and errors", async () => {
    const client = await connect()
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }])
    expect((await client.query("select $1::int as one", [1])).rows).toEqual([{ one: 1 }])
    expect(await refusal(client.query("select 1/0"))).toBe("22012")
    expect(proxy.stats).toMatchObject({ accepted: 1, open: 1, fired: 0 })
  })

  it("forwards the server's answer to a request for TLS", async () => {
    const client = new Client({ connectionString: proxy.url, ssl: { rejectUnauthorized: false } })
    client.on("error", () => {})
    expect(await refusal(client.connect())).toContain("does not support SSL")
  })

  it("sends new connections to another server, and leaves those that are open where they are", async () => {
    const first = await connect()
    const other = await createTestDatabase({ template: false })
    const next = await startWireProxy({ postgresUrl: other.url })
    proxy.retarget(next.url)
    const second = await connect()
    expect(next.stats.accepted).toBe(1)
    await Promise.all([first.query("select 1"), second.query("select 1")])
    next.cutAll("end")
    expect(await refusal(second.query("select 1"))).not.toBe("resolved")
    expect(await refusal(first.query("select 1"))).toBe("resolved")
    await next.close()
    await other.close()
  })

  it("carries a large row", async () => {
    const client = await connect()
    const { rows } = await client.query<{ long: string }>("select repeat('x', 3000000) as long")
    expect(rows[0]?.long.length).toBe(3_000_000)
  })
})

describe.each(["simple", "extended", "prepared"] as const)("COMMIT by the %s protocol", (protocol) => {
  const commit = (client: Client) =>
    protocol === "simple"
      ? client.query("COMMIT")
      : client.query(
        { text: "COMMIT", queryMode: "extended", ...(protocol === "prepared" ? { name: "done" } : {}) } as never
      )
  const transaction = async (client: Client, id: string) => {
    await client.query("BEGIN")
    await client.query("insert into h values ($1)", [id])
    return commit(client)
  }

  it("is lost before the server", async () => {
    const client = await connect()
    await transaction(client, "first")
    const rule = proxy.add({ match: on.statement(/^commit/i), action: { do: "cut", how: "reset", at: "before" } })
    expect(await refusal(transaction(client, "second"))).toBe("ECONNRESET")
    expect(rule.fired).toBe(1)
    await expect.poll(() => count("second")).toBe(0)
  })

  it("is run, and its answer lost", async () => {
    const client = await connect()
    await transaction(client, "first")
    const rule = proxy.add({ match: on.complete(/^COMMIT/), action: { do: "cut", how: "reset", at: "before" } })
    expect(await refusal(transaction(client, "second"))).toBe("ECONNRESET")
    expect(rule.fired).toBe(1)
    expect(await count("second")).toBe(1)
  })

  it("is answered with FATAL behind its CommandComplete", async () => {
    const client = await connect()
    const rule = proxy.add({
      match: on.ready(/^commit/i),
      action: { do: "replace", bytes: fatal("57P01", "terminating connection"), end: true }
    })
    expect(await refusal(transaction(client, "only"))).toBe("57P01")
    expect(rule.fired).toBe(1)
    expect(await count("only")).toBe(1)
  })
})

describe("faults", () => {
  it("swallows the answers: the statement runs, the client waits", async () => {
    const client = await connect({ query_timeout: 200 })
    proxy.plan.mute = "server"
    expect(await refusal(client.query("insert into h values ('muted')"))).toBe("Query read timeout")
    expect(proxy.stats.fired).toBeGreaterThan(0)
    expect(await count("muted")).toBe(1)
  })

  it("holds everything and lets it go", async () => {
    const client = await connect()
    proxy.plan.hold = true
    const answer = client.query("insert into h values ('held')")
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(await count("held")).toBe(0)
    await proxy.heal()
    await answer
    expect(await count("held")).toBe(1)
  })

  it("puts a statement before another one", async () => {
    const client = await connect()
    proxy.add({ match: on.statement(/^commit/i), action: { do: "ask", sql: "select 1/0" }, times: 1 })
    await client.query("BEGIN")
    await client.query("insert into h values ('undone')")
    expect(await client.query("COMMIT")).toMatchObject({ command: "ROLLBACK" })
    expect(await count("undone")).toBe(0)
    proxy.add({
      match: on.statement(/^insert/i),
      action: { do: "ask", sql: "select pg_terminate_backend(pg_backend_pid())" }
    })
    expect(await refusal(client.query("insert into h values ('killed')"))).toBe("57P01")
    expect(await count("killed")).toBe(0)
  })

  it("cuts inside a row", async () => {
    const client = await connect()
    proxy.add({ match: on.dataRow(/repeat/), action: { do: "cut", how: "end", at: "inside" }, times: 1 })
    expect(await refusal(client.query("select repeat('x', 10000)"))).toBe("Connection terminated unexpectedly")
  })

  it("sends a byte at a time without changing anything", async () => {
    proxy.plan.sliceBytes = 1
    const client = await connect()
    expect((await client.query("select $1::text as t", ["äöü"])).rows).toEqual([{ t: "äöü" }])
  })

  it("fires every third time, and at most twice", async () => {
    const client = await connect()
    const rule = proxy.add({ match: on.sent(/^select/), action: { do: "delay", ms: 1 }, spare: 2, times: 2 })
    for (let i = 0; i < 9; i++) await client.query("select 1")
    expect(rule).toMatchObject({ fired: 2 })
  })

  it.each([["refuse", "ECONNREFUSED"], ["reset", "ECONNRESET"], ["silent", "timeout expired"]] as const)(
    "%s: a new connection fails with %s, an open one goes on",
    async (how, code) => {
      const client = await connect()
      await proxy.setConnect(how)
      expect(await refusal(connect({ connectionTimeoutMillis: 150 }))).toBe(code)
      await client.query("select 1")
      await proxy.heal()
      await (await connect()).query("select 1")
    }
  )

  it("answers a login with garbage", async () => {
    await proxy.setConnect("garbage")
    expect(await refusal(connect({ connectionTimeoutMillis: 300 }))).not.toBe("resolved")
    expect(proxy.stats.refused).toBe(1)
  })
})
