/** A server of a test's own, for what a shared one is not set up for: settings that need a start, and restarts. */
import { connect, withClient } from "@ems/db-testing/Admin"
import { type EmbeddedPostgresOptions, startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { defineRelations } from "drizzle-orm"
import type * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { it } from "vitest"
import { Catalog } from "../../src/catalog/Catalog.ts"
import type { CatalogQuery } from "../../src/catalog/CatalogQuery.ts"
import type { Finding } from "../../src/catalog/Finding.ts"
import * as DbCore from "../../src/DbCore.ts"
import { embedded } from "./support.ts"

const relations = defineRelations({}, () => ({}))
const bin15 = "/usr/lib/postgresql/15/bin"

export interface OwnServer {
  readonly version: "18" | "15"
  readonly url: () => string
  readonly admin: (...statements: ReadonlyArray<string>) => Promise<void>
  readonly rows: <Row>(query: CatalogQuery<Row>) => Promise<ReadonlyArray<Row>>
  readonly findings: (check: string, limits?: Readonly<Record<string, number>>) => Promise<ReadonlyArray<Finding>>
  readonly run: <A, E>(effect: Effect.Effect<A, E, DbCore.DbCore>) => Promise<A>
  /** Ends it and starts it again; a crash ends it without its last words. */
  readonly restart: (how: "clean" | "crash") => Promise<void>
}

const open = async (version: OwnServer["version"], settings: EmbeddedPostgresOptions["settings"]) => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "ems-catalog-"))
  // The server may run as another user and has to reach its own folder in this one.
  fs.chmodSync(home, 0o711)
  const start = () =>
    startPostgres({
      dataDir: path.join(home, "pg"),
      durable: false,
      ...(version === "15" ? { binDirectory: bin15 } : {}),
      settings: { max_connections: "40", ...settings }
    })
  let running = await start()
  const layers = () => ManagedRuntime.make(DbCore.layerOf(relations, { url: running.url, cacheFeed: "none" }))
  let runtime = layers()
  const server: OwnServer = {
    version,
    url: () => running.url,
    admin: (...statements) =>
      withClient(running.url, async (client) => {
        for (const statement of statements) await client.query(statement)
      }),
    rows: async (query) => {
      const answer = await runtime.runPromise(Catalog.use((catalog) => catalog.read(query)))
      if (!answer.isAvailable) throw new Error(`not available: ${answer.unavailable.text}`)
      return answer.rows
    },
    findings: async (check, limits = {}) => {
      const [result] = await runtime.runPromise(Catalog.use((catalog) => catalog.checks({ only: [check], limits })))
      if (result?.answer.isAvailable !== true) throw new Error(`no answer from ${check}`)
      return result.answer.rows
    },
    run: (effect) => runtime.runPromise(effect),
    restart: async (how) => {
      await runtime.dispose()
      if (how === "clean") await running.stop()
      else {
        // An immediate shutdown would still let extensions write down what they have.
        process.kill(running.pid, "SIGKILL")
        await running.exited
      }
      running = await start()
      runtime = layers()
    }
  }
  const close = async () => {
    await runtime.dispose()
    await running.stop()
    fs.rmSync(home, { recursive: true, force: true })
  }
  return { server, close }
}

const onServer = async (
  version: OwnServer["version"],
  settings: EmbeddedPostgresOptions["settings"],
  body: (server: OwnServer) => Promise<void>
) => {
  const { close, server } = await open(version, settings)
  try {
    await body(server)
  } finally {
    await close()
  }
}

/** A test on a server of its own, of the newest and of the oldest version that is supported. */
export const ownServer = (
  name: string,
  settings: EmbeddedPostgresOptions["settings"],
  body: (server: OwnServer) => Promise<void>
): void => {
  if (embedded.url !== undefined) return
  for (const version of ["18", "15"] as const) {
    it(`${name}, on a ${version} of its own`, { timeout: 90_000 }, (ctx) => {
      if (version === "15" && !fs.existsSync(bin15)) return ctx.skip("Postgres 15 is not installed")
      return onServer(version, settings, body)
    })
  }
}

export interface StandbyOptions {
  /** What `hot_standby_feedback` says: it needs rows from this transaction on. Default: nothing. */
  readonly xmin?: number
  readonly slot?: string
  /** Says once how far it is, and never again. Default false: never. */
  readonly replies?: boolean
}

/** Copy data with a message in it. */
const copyData = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write("d")
  head.writeInt32BE(message.length + 4, 1)
  return Buffer.concat([head, message])
}

/** Where, written, flushed and applied. The clock in it is read by nobody. */
const statusUpdate = (position: string): Buffer => {
  const [high = "0", low = "0"] = position.split("/")
  const at = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
  const message = Buffer.alloc(34)
  message.write("r")
  for (const offset of [1, 9, 17]) message.writeBigUInt64BE(at, offset)
  return copyData(message)
}

const feedback = (xmin: number): Buffer => {
  const message = Buffer.alloc(25)
  message.write("h")
  message.writeUInt32BE(xmin, 9)
  return copyData(message)
}

/** A receiver of the log in the place of a standby. */
export const withStandby = async <A>(
  url: string,
  name: string,
  { replies = false, slot, xmin }: StandbyOptions,
  body: () => Promise<A>
): Promise<A> => {
  const address = new URL(url)
  address.searchParams.set("replication", "true")
  address.searchParams.set("application_name", name)
  const client = await connect(address.href)
  const { rows: [row] } = await client.query<{ xlogpos: string }>("IDENTIFY_SYSTEM")
  // The driver's own connection below its queries, which it does not declare: it sends copy data.
  const { connection } = client as unknown as {
    readonly connection: {
      readonly stream: { readonly write: (bytes: Buffer) => void }
      readonly query: (sql: string) => void
      readonly once: (event: string, listener: () => void) => void
    }
  }
  const streaming = new Promise<void>((resolve) => connection.once("replicationStart", resolve))
  connection.query(`START_REPLICATION ${slot === undefined ? "" : `SLOT ${slot}`} PHYSICAL ${row!.xlogpos}`)
  await streaming
  if (replies) connection.stream.write(statusUpdate(row!.xlogpos))
  if (xmin !== undefined) connection.stream.write(feedback(xmin))
  try {
    return await body()
  } finally {
    await client.end().catch(() => {})
  }
}
