import * as fs from "node:fs"
import { Client } from "pg"
import { describe, expect, it } from "vitest"
import { isSupported, makeCertificates, opensslMissing, startPostgres, withClient } from "../src/index.ts"

describe.skipIf(!isSupported())("EmbeddedPostgres: logins", () => {
  it("offers TLS that verifies against our authority, and against no other", async (ctx) => {
    const missing = opensslMissing()
    if (missing !== undefined) return ctx.skip(missing)
    const certificates = makeCertificates()
    const server = await startPostgres({ tls: certificates })
    try {
      const { hostname, password, port, username } = new URL(server.url)
      const connect = (ca: string | undefined) =>
        new Client({
          host: hostname,
          port: Number(port),
          user: username,
          password,
          database: "postgres",
          ssl: ca === undefined ? true : { ca }
        })
      const trusting = connect(fs.readFileSync(certificates.ca, "utf8"))
      await trusting.connect()
      const { rows } = await trusting.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
      await trusting.end()
      expect(rows).toEqual([{ ssl: true }])
      await expect(connect(undefined).connect()).rejects.toThrow(/certificate/)
    } finally {
      await server.stop()
      certificates.remove()
    }
  })

  it("asks the test roles for their passwords in the older ways", async () => {
    const server = await startPostgres()
    try {
      await withClient(server.url, async (client) => {
        await client.query("CREATE ROLE cleartext_user LOGIN PASSWORD 'one'")
        await client.query("SET password_encryption = md5")
        await client.query("CREATE ROLE md5_user LOGIN PASSWORD 'two'")
        const { rows } = await client.query(
          `SELECT array_agg(auth_method ORDER BY rule_number) AS methods FROM pg_hba_file_rules
           WHERE NOT 'replication' = ANY(database)`
        )
        expect(rows).toEqual([{ methods: ["password", "md5", "scram-sha-256"] }])
      })
      for (const [user, password] of [["cleartext_user", "one"], ["md5_user", "two"]] as const) {
        const url = new URL(server.url)
        url.username = user
        url.password = password
        expect((await withClient(url.href, (client) => client.query("SELECT current_user"))).rows).toEqual([
          { current_user: user }
        ])
      }
    } finally {
      await server.stop()
    }
  })
})
