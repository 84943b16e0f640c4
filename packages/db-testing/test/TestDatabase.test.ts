import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createTestDatabase, type TestDatabase } from "../src/index.ts"

describe("TestDatabase", () => {
  let one: TestDatabase
  let other: TestDatabase

  beforeAll(async () => {
    one = await createTestDatabase()
    other = await createTestDatabase({ template: false })
  })
  afterAll(async () => {
    await one.close()
    await other.close()
  })

  it("gives every caller a database of its own", async () => {
    await one.admin("CREATE TABLE only_here (n int)")
    const [seen] = await other.admin("SELECT to_regclass('only_here') AS found")
    expect(seen).toEqual({ found: null })
    expect(one.name).not.toBe(other.name)
  })

  it("is an oracle that passes parameters and returns rows", async () => {
    expect(await one.admin("SELECT $1::int + 1 AS n", [41])).toEqual([{ n: 42 }])
  })

  it("runs on the server that the settings promise", async () => {
    const [settings] = await one.admin(
      "SELECT current_setting('max_connections') AS connections, current_setting('track_io_timing') AS timing, "
        + "current_setting('password_encryption') AS passwords, "
        + "(SELECT auth_method FROM pg_hba_file_rules WHERE 'all' = ANY (user_name) LIMIT 1) AS method"
    )
    expect(settings).toMatchObject({ timing: "on", passwords: "scram-sha-256" })
    if (process.env["EMS_TEST_DATABASE_URL"] === undefined) {
      expect(settings).toMatchObject({ connections: "200", method: "scram-sha-256" })
    }
  })
})
