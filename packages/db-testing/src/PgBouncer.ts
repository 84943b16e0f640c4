/** A real PgBouncer in transaction mode, where the machine has one: what `-pooler` hosts of Neon are. */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { serverIdentity, sharedTemporaryDirectories } from "./Identity.ts"
import { freePort } from "./Ports.ts"

const places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"]

/** Where it is; `undefined` when this machine has none. */
export const findPgBouncer = (): string | undefined => places.find((file) => fs.existsSync(file))

export interface PgBouncerOptions {
  /** The server behind it, with user and password. */
  readonly postgresUrl: string
  /** Server connections for each database and user. Default 3. */
  readonly poolSize?: number
}

export interface PgBouncer {
  /** Asks for no password. */
  readonly url: string
  readonly close: () => Promise<void>
}

const settings = (options: PgBouncerOptions, port: number): string => {
  const { hostname, password, pathname, port: serverPort, username } = new URL(options.postgresUrl)
  const login = `user=${decodeURIComponent(username)} password='${decodeURIComponent(password)}'`
  const database = decodeURIComponent(pathname.slice(1))
  return [
    "[databases]",
    `${database} = host=${hostname} port=${serverPort} dbname=${database} ${login}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    `default_pool_size = ${options.poolSize ?? 3}`,
    "max_client_conn = 200",
    // As Neon's: what it does not know at the start of a session is dropped instead of refused.
    "ignore_startup_parameters = extra_float_digits,options",
    ""
  ].join("\n")
}

const listening = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let said = ""
    const timer = setTimeout(() => reject(new Error(`PgBouncer did not start: ${said}`)), 10_000)
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      if (!said.includes("process up")) return
      clearTimeout(timer)
      resolve()
    })
    child.once("exit", () => {
      clearTimeout(timer)
      reject(new Error(`PgBouncer ended: ${said}`))
    })
  })

export const startPgBouncer = async (options: PgBouncerOptions): Promise<PgBouncer> => {
  const binary = findPgBouncer()
  if (binary === undefined) throw new Error("this machine has no PgBouncer")
  const identity = serverIdentity(undefined)
  const [temporary] = sharedTemporaryDirectories(identity)
  if (temporary === undefined) throw new Error("no temporary directory that PgBouncer can read")
  const directory = fs.mkdtempSync(path.join(temporary, "ems-pgbouncer-"))
  const file = path.join(directory, "pgbouncer.ini")
  const port = await freePort()
  fs.writeFileSync(file, settings(options, port), { mode: 0o600 })
  // It refuses to run as root, and the file holds a password.
  if (identity !== undefined) {
    fs.chownSync(directory, identity.uid, identity.gid)
    fs.chownSync(file, identity.uid, identity.gid)
  }
  const child = spawn(binary, [file], { stdio: ["ignore", "ignore", "pipe"], ...identity })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  try {
    await listening(child)
  } catch (error) {
    child.kill("SIGKILL")
    fs.rmSync(directory, { recursive: true })
    throw error
  }
  const url = new URL(options.postgresUrl)
  url.port = String(port)
  url.password = ""
  url.searchParams.set("pgbouncer", "true")
  return {
    url: url.href,
    close: async () => {
      // SIGTERM would wait for clients.
      child.kill("SIGINT")
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000)
      await ended
      clearTimeout(timer)
      fs.rmSync(directory, { recursive: true })
    }
  }
}
