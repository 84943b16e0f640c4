/**
 * A real Postgres from npm binaries, private to this process: loopback only, no unix socket, scram-sha-256 with a
 * random password, and gone when this process is gone, however it ended.
 */
import * as fs from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { type DataDirectory, openDataDirectory, serverEnvironment } from "./DataDirectory.ts"
import { type Binaries, installedBinaries, locateBinaries } from "./EmbeddedBinaries.ts"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { type Identity, serverIdentity } from "./Identity.ts"
import { capture } from "./LogTail.ts"
import { freePort } from "./Ports.ts"
import { isServerOf, occupant, postmasterPid } from "./Postmaster.ts"
import { writeServerFiles } from "./ServerFiles.ts"
import { watch, type Watched } from "./Watchdog.ts"

export { isSupported } from "./EmbeddedBinaries.ts"
export { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"

export interface EmbeddedPostgresOptions {
  /** Keeps the data here between runs. Without it: a temporary directory, removed by `stop`. */
  readonly dataDir?: string
  /** Default: a free port. */
  readonly port?: number
  /** Survive a power cut. Default: true with `dataDir`, else false (tests: no fsync, no autovacuum). */
  readonly durable?: boolean
  /** PEM files; turns TLS on. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** The `bin` directory of another Postgres to run. Default: the one from npm. */
  readonly binDirectory?: string
  /** More server settings; they win over ours. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default 60 s. */
  readonly initTimeoutMs?: number
  /** Default 60 s: long enough for the recovery after a crash. */
  readonly startTimeoutMs?: number
}

export interface Running {
  /** With user and password, to the database `postgres`. */
  readonly url: string
  readonly port: number
  /** Of the postmaster. */
  readonly pid: number
  readonly dataDir: string
  /** Resolves when the server has ended, by `stop` or by itself. */
  readonly exited: Promise<void>
  /** A fast shutdown; the same promise however often it is called. */
  readonly stop: () => Promise<void>
}

const testSettings = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum: "off",
  max_connections: "200",
  // Every test's statements are in it; what makes room would look to some other test as if it had not run.
  "pg_stat_statements.max": "20000"
}
const settingsAlways = {
  shared_preload_libraries: "pg_stat_statements",
  track_io_timing: "on",
  listen_addresses: "127.0.0.1",
  unix_socket_directories: ""
}

interface Launch {
  readonly options: EmbeddedPostgresOptions
  readonly identity: Identity | undefined
  readonly binaries: Binaries
  readonly directory: DataDirectory
  readonly durable: boolean
  readonly port: number
}

const launch = async (input: Launch): Promise<Watched> => {
  const { binaries, directory, identity, options } = input
  const now = occupant(directory.data)
  if (now._tag === "Server") {
    throw new EmbeddedPostgresError(
      "InUse",
      `${directory.home} is in use by the Postgres with pid ${now.pid} on port ${now.port}: `
        + `stop that one first, or name another data directory.`
    )
  }
  const settings = {
    ...settingsAlways,
    ...(input.durable ? {} : testSettings),
    ...writeServerFiles(directory.data, { identity, authMethods: input.durable ? "scram" : "all", tls: options.tls }),
    ...options.settings,
    port: String(input.port)
  }
  const server = watch({
    command: [
      binaries.postgres,
      "-D",
      directory.data,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    ],
    cwd: binaries.directory,
    // Postgres takes any living process named in a stale lock file for a server, except this one. It then still
    // looks at the shared memory of the old server, so ignoring a stranger is safe and removing the file is not.
    env: { ...serverEnvironment(), ...(now._tag === "Stranger" ? { PG_GRANDPARENT_PID: String(now.pid) } : {}) },
    identity,
    signal: "INT",
    lastSignal: "QUIT",
    remove: directory.temporary ? { directory: directory.home, when: "always" } : undefined,
    stdio: "stderr"
  })
  const log = capture(server.stderr)
  const limit = options.startTimeoutMs ?? 60_000
  const ready = new Promise<"ready">((resolve) =>
    log.onText((text) => /database system is ready to accept (read-only )?connections/.test(text) && resolve("ready"))
  )
  const abandoned = new AbortController()
  const outcome = await Promise.race([
    ready,
    server.exited.then((code) => ({ code })),
    sleep(limit, "late" as const, { signal: abandoned.signal }).catch(() => "late" as const)
  ])
  abandoned.abort()
  if (outcome === "ready") return server
  if (outcome === "late") {
    server.end()
    await server.exited
    throw new EmbeddedPostgresError("StartFailed", `Postgres was not ready within ${limit} ms.\n${log.tail()}`)
  }
  const said = log.text()
  if (said.includes("could not create any TCP/IP sockets") || said.includes("Address already in use")) {
    throw new EmbeddedPostgresError("PortTaken", `Port ${input.port} of 127.0.0.1 is taken: name another one, or none.`)
  }
  if (said.includes("lock file \"postmaster.pid\"") || said.includes("pre-existing shared memory block")) {
    throw new EmbeddedPostgresError("InUse", `${directory.home} is in use by another Postgres.\n${log.tail()}`)
  }
  throw new EmbeddedPostgresError("StartFailed", `Postgres ended with exit code ${outcome.code}.\n${log.tail()}`)
}

/** A lost race for a free port, or a server that is just stopping, deserves another try; a second is enough. */
const launchAgain = async (input: Omit<Launch, "port">): Promise<{ server: Watched; port: number }> => {
  for (const give = Date.now() + 1_000;;) {
    const port = input.options.port ?? (await freePort())
    try {
      return { server: await launch({ ...input, port }), port }
    } catch (error) {
      const again = error instanceof EmbeddedPostgresError
        && (error.reason === "InUse" || (error.reason === "PortTaken" && input.options.port === undefined))
      if (!again || Date.now() > give) throw error
      await sleep(200)
    }
  }
}

/** Ends a server whose watchdog was killed. */
const endOrphan = async (pid: number, dataDir: string): Promise<void> => {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    if (!isServerOf(pid, dataDir)) return
    process.kill(pid, signal)
    for (let tenths = 0; tenths < 100 && isServerOf(pid, dataDir); tenths++) await sleep(100)
  }
}

export const startPostgres = async (options: EmbeddedPostgresOptions = {}): Promise<Running> => {
  const durable = options.durable ?? options.dataDir !== undefined
  const identity = serverIdentity(options.dataDir)
  const binaries = options.binDirectory === undefined
    ? locateBinaries(identity)
    : installedBinaries(options.binDirectory, identity)
  const directory = await openDataDirectory({
    dataDir: options.dataDir,
    identity,
    binaries,
    durable,
    timeoutMs: options.initTimeoutMs ?? 60_000
  })
  const clean = () => {
    if (directory.temporary) fs.rmSync(directory.home, { recursive: true, force: true })
  }
  const { port, server } = await launchAgain({ options, identity, binaries, directory, durable }).catch((error) => {
    clean()
    throw error
  })
  const pid = postmasterPid(directory.data) ?? 0
  const stop = async () => {
    server.end()
    await server.exited
    await endOrphan(pid, directory.data)
    clean()
  }
  let stopping: Promise<void> | undefined
  return {
    url: `postgres://postgres:${directory.password}@127.0.0.1:${port}/postgres`,
    port,
    pid,
    dataDir: directory.data,
    exited: server.exited.then(() => {}),
    stop: () => stopping ??= stop()
  }
}
