import { withClient } from "@ems/db-testing/Admin"
import { describe, expect } from "vitest"
import { xminHorizon } from "../../src/catalog/xminHorizon.ts"
import { type OwnServer, ownServer, withStandby } from "./OwnServer.ts"
import { withSessions } from "./Sessions.ts"
import { situation } from "./support.ts"

const settings = { wal_level: "logical", max_prepared_transactions: "5" }

/** Lets transactions pass, so that who holds something is older than they are. */
const pass = ({ admin }: OwnServer, count: number) =>
  admin(
    "create table if not exists passing (id int)",
    ...Array.from({ length: count }, () => "insert into passing values (1)")
  )

describe("the xmin horizon", () => {
  ownServer("is held by each of the five kinds", settings, async (server) => {
    const kinds = async () => (await server.rows(xminHorizon)).map(({ kind, name }) => [kind, name])
    expect(await kinds()).toEqual([])

    await withSessions(server.url(), ["A", "B"], async ({ A, B }) => {
      await A!.run("begin isolation level repeatable read; select 1 from pg_class limit 1")
      await B!.run("begin; create table held (id int)")
      await pass(server, 20)
      expect(await server.rows(xminHorizon)).toMatchObject([
        { kind: "session", name: String(A!.pid), age: expect.any(Number), isElsewhere: false },
        { kind: "session", name: String(B!.pid), detail: "idle in transaction", heldMs: expect.any(Number) }
      ])
      const [oldest] = await server.rows(xminHorizon)
      expect(oldest?.age).toBeGreaterThanOrEqual(20)
      expect(await server.findings("xmin-horizon")).toEqual([])
      expect(await server.findings("xmin-horizon", { "xmin-horizon.transactions": 20 })).toHaveLength(2)
      expect(await server.findings("xmin-horizon", { "xmin-horizon.held": 0, "xmin-horizon.error": 20 }))
        .toMatchObject([{ severity: "error", remediation: `select pg_terminate_backend(${A!.pid});` }, {}])
    })

    await server.admin("begin; insert into passing values (2)", "prepare transaction 'kept'")
    await pass(server, 1)
    expect(await server.rows(xminHorizon)).toMatchObject([{ kind: "prepared", name: "kept", detail: "postgres" }])
    expect(await server.findings("xmin-horizon", { "xmin-horizon.held": 0 })).toMatchObject([
      { remediation: "rollback prepared 'kept';" }
    ])
    await server.admin("rollback prepared 'kept'")

    await server.admin("select pg_create_logical_replication_slot('decoder', 'pgoutput')")
    await pass(server, 1)
    expect(await server.rows(xminHorizon)).toMatchObject([{
      kind: "slot-catalog",
      name: "decoder",
      detail: "pgoutput",
      heldMs: server.version === "15" ? null : expect.any(Number)
    }])
    await server.admin("select pg_drop_replication_slot('decoder')")

    const [row] = await withClient(
      server.url(),
      async (client) => (await client.query<{ xmin: number }>("select (pg_current_xact_id()::text)::int as xmin")).rows
    )
    await pass(server, 5)
    await withStandby(server.url(), "far", { xmin: row!.xmin }, async () => {
      await expect.poll(kinds).toEqual([["standby", "far"]])
      expect(await server.findings("xmin-horizon", { "xmin-horizon.transactions": 5 })).toMatchObject([{
        object: { kind: "server", name: "far" },
        remediation: null
      }])
    })
    await expect.poll(kinds).toEqual([])

    await server.admin("select pg_create_physical_replication_slot('copy', true)")
    await withStandby(server.url(), "near", { slot: "copy", xmin: row!.xmin }, async () => {
      await expect.poll(kinds).toEqual([["slot", "copy"]])
    })
    // It stays when its standby has gone.
    expect(await kinds()).toEqual([["slot", "copy"]])
    expect(await server.findings("xmin-horizon", { "xmin-horizon.transactions": 5 })).toMatchObject([{
      remediation: "select pg_drop_replication_slot('copy');"
    }])
  })

  situation("who asks holds nothing", async ({ admin, rows, url }) => {
    await admin("create table t (id int)")
    const database = url.startsWith("pglite") ? "postgres" : new URL(url).pathname.slice(1)
    expect((await rows(xminHorizon)).filter((row) => row.database === database)).toEqual([])
  })

  situation(
    "one of another database holds nothing back here, and nor does VACUUM",
    async ({ admin, findings, rows, url }) => {
      const elsewhere = new URL(url)
      elsewhere.pathname = "/postgres"
      await admin("create table t (id int)")
      await withSessions(elsewhere.href, ["A"], async ({ A }) => {
        await A!.run("begin isolation level repeatable read; select 1 from pg_class limit 1")
        expect((await rows(xminHorizon)).find(({ name }) => name === String(A!.pid))).toMatchObject({
          isElsewhere: true
        })
        const found = await findings("xmin-horizon", { "xmin-horizon.held": 0 })
        expect(found.filter(({ object }) => object.name === String(A!.pid))).toEqual([])
      })
    },
    { embedded: false }
  )
})
