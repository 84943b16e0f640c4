/** Once per run: one server, one migrated template database. `EMS_TEST_DATABASE_URL` names a server of your own. */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import type { TestProject } from "vitest/node"
import { databaseUrl, withClient } from "./Admin.ts"
import "./context.ts"
import { startPostgres } from "./EmbeddedPostgres.ts"
import { applyMigrations } from "./Migrations.ts"

/** The oldest Postgres that is supported, where Debian's package has put it. */
const bin15 = "/usr/lib/postgresql/15/bin"

/** A server that outlives the run gets its databases back; never by force, which would hit clients that still close. */
const tidy = (url: string, prefix: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)",
      [prefix]
    )
    for (const { name } of rows) {
      await client.query(`DROP DATABASE IF EXISTS ${name}`).catch((error: unknown) =>
        console.warn(`left behind: database ${name} (${error instanceof Error ? error.message : String(error)})`)
      )
    }
  })

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outside = process.env["EMS_TEST_DATABASE_URL"]
  const server = outside === undefined ? await startPostgres() : undefined
  const oldest = fs.existsSync(bin15) ? await startPostgres({ binDirectory: bin15 }) : undefined
  const url = server?.url ?? outside ?? ""
  const prefix = `ems_test_${randomBytes(4).toString("hex")}_`
  const template = `${prefix}template`
  const teardown = async () => {
    await oldest?.stop()
    if (server) await server.stop()
    else await tidy(url, prefix)
  }
  try {
    await withClient(url, (client) => client.query(`CREATE DATABASE ${template} TEMPLATE template0`))
    await withClient(databaseUrl(url, template), (client) => applyMigrations(client))
  } catch (error) {
    await teardown()
    throw error
  }
  project.provide("postgresUrl", url)
  project.provide("postgres15Url", oldest?.url)
  project.provide("templateDatabase", template)
  project.provide("databasePrefix", prefix)
  return teardown
}
