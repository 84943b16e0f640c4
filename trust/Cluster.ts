/** The server of a run: a Postgres that can be stopped in every way and started again on the same port. */
import { connect, databaseUrl, withClient } from "@ems/db-testing/Admin"
import { type Running, startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const settings = {
  // An acknowledged COMMIT must survive the crash of a process, though not of the machine: the one is tested here.
  synchronous_commit: "on",
  max_connections: "60",
  // Nothing but a COMMIT flushes: what a crash takes from transactions under way is then the same every time.
  wal_writer_delay: "10s",
  deadlock_timeout: "20ms",
  log_min_messages: "log",
  max_wal_senders: "0"
}

/** Not `postgres`, so that it can be renamed. */
const databaseName = "trust"

type Rows = Array<Record<string, unknown>>

export class Cluster {
  private readonly home: string
  private running: Running
  private admin: ReturnType<typeof connect> | undefined

  private constructor(home: string, running: Running) {
    this.home = home
    this.running = running
  }

  static async start(): Promise<Cluster> {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), "ems-trust-"))
    // The server may run as another user and has to reach its own folder in this one.
    fs.chmodSync(home, 0o711)
    const running = await startPostgres({ dataDir: path.join(home, "pg"), durable: false, settings }).catch((error) => {
      fs.rmSync(home, { recursive: true, force: true })
      throw error
    })
    await withClient(running.url, (client) => client.query(`create database ${databaseName}`))
    return new Cluster(home, running)
  }

  /** Of the superuser, to the database of the run. */
  get url(): string {
    return databaseUrl(this.running.url, databaseName)
  }

  get postmaster(): number {
    return this.running.pid
  }

  get dataDir(): string {
    return this.running.dataDir
  }

  /** As superuser on the database `postgres`. */
  async server(text: string): Promise<void> {
    await withClient(this.running.url, (client) => client.query(text))
  }

  /** As superuser, past the proxy, on the database of the run. */
  async sql(text: string, parameters: ReadonlyArray<unknown> = []): Promise<Rows> {
    try {
      const client = await (this.admin ??= connect(this.url))
      return (await client.query<Record<string, unknown>>(text, parameters.length === 0 ? undefined : [...parameters]))
        .rows
    } catch (error) {
      // A restart took the connection: the next call opens another one.
      if (!(error instanceof Error && "severity" in error && error.severity === "ERROR")) this.forget()
      throw error
    }
  }

  /** Closes the connection of `sql`; the next call opens another one. */
  forget(): void {
    void this.admin?.then((client) => client.end(), () => {}).catch(() => {})
    this.admin = undefined
  }

  /** `SIGTERM` smart, `SIGINT` fast, `SIGQUIT` immediate, `SIGKILL` not at all. Resolves when it is gone. */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void> {
    this.forget()
    process.kill(this.running.pid, signal)
    await this.running.exited
  }

  async startAgain(): Promise<void> {
    const { dataDir, port } = this.running
    this.running = await startPostgres({ dataDir: path.dirname(dataDir), port, durable: false, settings })
  }

  async end(): Promise<void> {
    this.forget()
    await this.running.stop()
    fs.rmSync(this.home, { recursive: true, force: true })
  }
}
