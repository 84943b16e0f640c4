import { describe, expect } from "vitest"
import { replicationSlots, standbys } from "../../src/catalog/replication.ts"
import { ownServer, withStandby } from "./OwnServer.ts"
import { situation } from "./support.ts"

describe("replication", () => {
  ownServer("a standby that does not answer is behind", { wal_sender_timeout: "0" }, async (server) => {
    expect(await server.rows(standbys)).toEqual([])
    await withStandby(server.url(), "far", {}, async () => {
      await server.admin("create table t as select n, repeat('x', 100) v from generate_series(1, 20000) n")
      // It is sent what is written, and replays nothing.
      await expect.poll(async () => (await server.rows(standbys))[0]?.unsentBytes).toBe(0)
      const [row] = await server.rows(standbys)
      expect(row).toMatchObject({ application: "far", user: "postgres", state: "streaming", syncState: "async" })
      expect(row?.lagBytes).toBeNull()
    })
    await withStandby(server.url(), "near", { replies: true }, async () => {
      await server.admin("create table u as select n, repeat('x', 100) v from generate_series(1, 20000) n")
      const [row] = await server.rows(standbys)
      expect(row?.lagBytes).toBeGreaterThan(1_000_000)
      expect(await server.findings("replication-lag")).toEqual([])
      const [finding, ...others] = await server.findings("replication-lag", { "replication-lag.warn": 1_000_000 })
      expect(others).toEqual([])
      expect(finding).toMatchObject({ severity: "warn", object: { kind: "server", name: "near" } })
      // The log may still be on its way to the disk.
      const [later] = await server.rows(standbys)
      expect(finding?.evidence["lagBytes"]).toBeGreaterThanOrEqual(row?.lagBytes ?? 0)
      expect(finding?.evidence["lagBytes"]).toBeLessThanOrEqual(later?.lagBytes ?? 0)
    })
  })

  situation("a slot that nobody reads keeps the log", async ({ admin, findings, rows, server, unavailable, url }) => {
    if (server === "embedded") return expect(await unavailable(replicationSlots)).toBe("backend")
    const slot = `slot_${new URL(url).pathname.slice(1)}`
    await admin(`select pg_create_physical_replication_slot('${slot}', true)`)
    try {
      await admin(
        "create table t as select n, repeat('x', 100) v from generate_series(1, 20000) n",
        // The test server commits before it writes its log.
        "checkpoint"
      )
      const row = (await rows(replicationSlots)).find(({ name }) => name === slot)
      expect(row).toMatchObject({
        kind: "physical",
        isActive: false,
        walStatus: "reserved",
        invalidationReason: null,
        inactiveMs: server === "15" ? null : expect.any(Number)
      })
      expect(row?.retainedBytes).toBeGreaterThan(1_000_000)
      const ours = async (limits: Readonly<Record<string, number>> = {}) =>
        (await findings("inactive-slot", limits)).filter(({ object }) => object.name === slot)
      expect(await ours()).toMatchObject([{
        severity: "info",
        remediation: `select pg_drop_replication_slot('${slot}');`
      }])
      expect(await ours({ "inactive-slot.warn": 1e6 })).toMatchObject([{ severity: "warn" }])
      expect(await ours({ "inactive-slot.error": 1e6 })).toMatchObject([{ severity: "error" }])
    } finally {
      await admin(`select pg_drop_replication_slot('${slot}')`)
    }
  })

  ownServer("a slot that fell behind is lost", { max_slot_wal_keep_size: "1MB" }, async (server) => {
    await server.admin(
      "select pg_create_physical_replication_slot('behind', true)",
      "create table t as select n, repeat('x', 1000) v from generate_series(1, 40000) n",
      "select pg_switch_wal()",
      "insert into t values (1, 'x')",
      "checkpoint"
    )
    expect(await server.rows(replicationSlots)).toMatchObject([{
      walStatus: "lost",
      invalidationReason: server.version === "15" ? null : "wal_removed"
    }])
    expect(await server.findings("inactive-slot")).toMatchObject([{
      severity: "warn",
      summary: "slot behind is lost: what its reader needs is gone"
    }])
  })
})
