/** A server with the product's tables and a million registrations, made as an operator makes them: by `emsdb`. */
import { databaseUrl, withClient } from "@ems/db-testing/Admin"
import { type Running, startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const cli = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url))

/** A process of `emsdb`, as an operator's. */
export const emsdb = (url: string, ...args: ReadonlyArray<string>): ChildProcess =>
  spawn(process.execPath, [cli, ...args], {
    env: { PATH: process.env["PATH"] ?? "", DATABASE_URL: url },
    stdio: ["ignore", "ignore", "inherit"]
  })

const done = async (url: string, ...args: ReadonlyArray<string>): Promise<void> => {
  const [code] = await once(emsdb(url, ...args), "exit")
  if (code !== 0) throw new Error(`emsdb ${args.join(" ")} ended with ${String(code)}`)
}

export interface Demo {
  readonly url: string
  readonly registrations: number
  /** Runs SQL, each statement for itself. */
  readonly sql: (...statements: ReadonlyArray<string>) => Promise<void>
  readonly count: (select: string) => Promise<number>
  readonly stop: () => Promise<void>
}

/** As in production, but for the disk: it is whatever `TMPDIR` is on. */
const settings = { fsync: "on", synchronous_commit: "on", autovacuum: "on", maintenance_work_mem: "64MB" }

/** `scale` as of `emsdb seed`: 200 is a million registrations. */
export const startDemo = async (scale: number): Promise<Demo> => {
  const server: Running = await startPostgres({ settings })
  const name = "demo"
  const url = databaseUrl(server.url, name)
  const sql = (...statements: ReadonlyArray<string>) =>
    withClient(url, async (client) => {
      for (const statement of statements) await client.query(statement)
    })
  const count = (select: string) =>
    withClient(url, async (client) => Number((await client.query<{ n: string }>(select)).rows[0]?.n))
  try {
    await done(url, "init")
    await done(url, "seed", "--scale", String(scale))
    await sql("vacuum analyze", "checkpoint")
    return { url, registrations: await count("select count(*) as n from registrations"), sql, count, stop: server.stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}
