/** One database per test file: a copy of the migrated template, so files cannot see each other's rows. */
import { randomBytes } from "node:crypto"
import { inject } from "vitest"
import { connect, databaseUrl, withClient } from "./Admin.ts"
import "./context.ts"

export interface TestDatabaseOptions {
  /** Copy the migrated template (default), or begin with an empty database. */
  readonly template?: boolean
  /** On the oldest Postgres that is supported, where the template is not: with an empty database. */
  readonly oldest?: boolean
}

export interface TestDatabase {
  /** As superuser. */
  readonly url: string
  readonly name: string
  /** The oracle: runs SQL over an independent client and returns the rows. */
  readonly admin: (sql: string, parameters?: ReadonlyArray<unknown>) => Promise<Array<Record<string, unknown>>>
  /** Closes the oracle. The database stays until the server goes: dropping it would cut clients that still close. */
  readonly close: () => Promise<void>
}

export const createTestDatabase = async (options: TestDatabaseOptions = {}): Promise<TestDatabase> => {
  const server = options.oldest === true ? inject("postgres15Url") : inject("postgresUrl")
  if (server === undefined) throw new Error("Postgres 15 is not installed")
  const name = `${inject("databasePrefix")}${randomBytes(6).toString("hex")}`
  const template = options.template === false || options.oldest === true ? "template0" : inject("templateDatabase")
  await withClient(server, async (client) => {
    // FILE_COPY takes half the time of WAL_LOG on a server that does not sync; servers before 15 know neither.
    const { rows } = await client.query<{ version: number }>(
      "SELECT current_setting('server_version_num')::int AS version"
    )
    const strategy = (rows[0]?.version ?? 0) >= 150_000 ? "STRATEGY FILE_COPY" : ""
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template} ${strategy}`)
  })
  const url = databaseUrl(server, name)
  const oracle = await connect(url)
  let closing: Promise<void> | undefined
  return {
    url,
    name,
    admin: async (sql, parameters) => {
      const { rows } = await oracle.query<Record<string, unknown>>(sql, parameters && [...parameters])
      return rows
    },
    close: () => closing ??= oracle.end()
  }
}
