/** The server of a run: a Postgres that can be stopped in every way and started again on the same port. */
import { connect, databaseUrl, withClient } from "@ems/db-testing/Admin"
import { type EmbeddedPostgresOptions, type Running, startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

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

export type ClusterOptions = Pick<EmbeddedPostgresOptions, "binDirectory" | "settings">

const makeHome = (): string => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "ems-trust-"))
  // The server may run as another user and has to reach its own folder in this one.
  fs.chmodSync(home, 0o711)
  return home
}

const launch = (dataDir: string, options: ClusterOptions, port?: number): Promise<Running> =>
  startPostgres({
    ...options,
    dataDir,
    durable: false,
    settings: { ...settings, ...options.settings },
    ...(port === undefined ? {} : { port })
  })

export class Cluster {
  private readonly home: string
  private readonly options: ClusterOptions
  private running: Running
  private admin: ReturnType<typeof connect> | undefined

  private constructor(home: string, running: Running, options: ClusterOptions) {
    this.home = home
    this.options = options
    this.running = running
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const home = makeHome()
    const running = await launch(path.join(home, "pg"), options).catch((error) => {
      fs.rmSync(home, { recursive: true, force: true })
      throw error
    })
    await withClient(running.url, (client) => client.query(`create database ${databaseName}`))
    return new Cluster(home, running, options)
  }

  /** A second server that follows this one: a copy of the stopped directory, for the npm binaries hold no other way. */
  async copyAsStandby(): Promise<Cluster> {
    const home = makeHome()
    try {
      await this.stop("SIGINT")
      const { status, stderr } = spawnSync("cp", ["-a", path.join(this.home, "pg"), home], { encoding: "utf8" })
      if (status !== 0) throw new Error(`the data directory could not be copied: ${stderr}`)
      await this.startAgain()
      const standby = new Cluster(home, this.running, this.options)
      await standby.follow(this, path.join(home, "pg"))
      return standby
    } catch (error) {
      fs.rmSync(home, { recursive: true, force: true })
      throw error
    }
  }

  /** Starts, stopped as it is, as a standby of `primary`; on the port that it had, or a free one. */
  async follow(primary: Cluster, fresh?: string): Promise<void> {
    const { port, username, password } = new URL(primary.running.url)
    const directory = fresh ?? path.dirname(this.running.dataDir)
    const data = path.join(directory, "data")
    const { gid, uid } = fs.statSync(data)
    fs.writeFileSync(path.join(data, "standby.signal"), "")
    fs.chownSync(path.join(data, "standby.signal"), uid, gid)
    const source = `host=127.0.0.1 port=${port} user=${username} password=${password}`
    const options = { ...this.options, settings: { ...this.options.settings, primary_conninfo: source } }
    this.running = await launch(directory, options, fresh === undefined ? this.running.port : undefined)
  }

  /** From now on the standby gets nothing. Returns the process that sent it, stopped: it has to be killed. */
  async stopReplication(): Promise<number> {
    const [row] = await this.sql("select pid from pg_stat_replication")
    const pid = Number(row?.["pid"])
    if (!(pid > 1)) throw new Error("there is no standby")
    process.kill(pid, "SIGSTOP")
    return pid
  }

  /** Ends a standby's dependence. Resolves when it takes writes. */
  async promote(): Promise<void> {
    await this.sql("select pg_promote(true, 30)")
  }

  /** Waits until a standby has replayed what `primary` has written by now. */
  async hasCaughtUp(primary: Cluster): Promise<void> {
    const [written] = await primary.sql("select pg_current_wal_flush_lsn()::text as lsn")
    for (let tries = 0; tries < 500; tries++) {
      const [row] = await this.sql("select pg_last_wal_replay_lsn() >= $1::pg_lsn as done", [written?.["lsn"]])
      if (row?.["done"] === true) return
      await sleep(10)
    }
    throw new Error("the standby does not follow")
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

  /** Resolves when the server has ended, by itself or not. */
  get exited(): Promise<void> {
    return this.running.exited
  }

  async startAgain(): Promise<void> {
    const { dataDir, port } = this.running
    this.running = await launch(path.dirname(dataDir), this.options, port)
  }

  async end(): Promise<void> {
    this.forget()
    await this.running.stop()
    fs.rmSync(this.home, { recursive: true, force: true })
  }
}
