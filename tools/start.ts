/**
 * The main job: a database, its schema and sample data, the API. With DATABASE_URL it uses that one and adds no rows
 * (`--seed` does); without, a Postgres of its own in `.data/postgres`.
 */
import { EmbeddedPostgresError, isSupported, startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { capture } from "@ems/db-testing/LogTail"
import { whyNotFree } from "@ems/db-testing/Ports"
import { watch } from "@ems/db-testing/Watchdog"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { onLauncherGone } from "./launcher.ts"

const root = path.dirname(import.meta.dirname)
const apiMain = "apps/api/src/main.ts"
const readyWithinMs = 30_000

/** Ends the job with one line that says why. */
class Failure extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

const say = (text: string) => console.log(text)
const seconds = (since = 0) => `${((performance.now() - since) / 1000).toFixed(1)} s`

interface Settings {
  readonly host: string
  readonly port: number
  readonly databaseUrl: string | undefined
  readonly seed: boolean
}

const readSettings = (): Settings => {
  const unknown = process.argv.slice(2).filter((argument) => argument !== "--seed")
  if (unknown.length > 0) throw new Failure(2, `Unknown argument ${unknown.join(" ")}: there is only --seed.`)
  const port = process.env["PORT"] || "3000"
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new Failure(2, `PORT=${port} is not a port: use a number from 1 to 65535.`)
  }
  return {
    host: process.env["HOST"] || "127.0.0.1",
    port: Number(port),
    databaseUrl: process.env["DATABASE_URL"] || undefined,
    seed: process.argv.includes("--seed")
  }
}

/** Before anything is started: a second start must not disturb the first one. */
const assertFree = async ({ host, port }: Settings): Promise<void> => {
  const code = await whyNotFree(port, host)
  if (code === undefined) return
  if (code !== "EADDRINUSE") {
    throw new Failure(code === "EACCES" ? 1 : 2, `Cannot listen on ${host}:${port} (${code}): change HOST= or PORT=.`)
  }
  throw new Failure(1, `${host}:${port} is in use: choose another port with PORT=, e.g. PORT=${port + 1}.`)
}

/** One of our programs, in a process that ends with this one. */
const run = (stdio: "inherit" | "both", more: Readonly<Record<string, string>>, ...args: Array<string>) => {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value
  const program = watch({
    command: [process.execPath, ...args],
    cwd: root,
    env: { ...env, ...more },
    signal: "TERM",
    lastSignal: "KILL",
    stdio
  })
  closers.push(() => {
    program.end()
    return program.exited
  })
  return program
}

/** Names the database without the password. */
const describe = (databaseUrl: string): string => {
  if (databaseUrl.startsWith("pglite:")) return databaseUrl
  const url = URL.parse(databaseUrl)
  return url ? `${url.host}${url.pathname}` : "DATABASE_URL"
}

const redact = (text: string, databaseUrl: string): string => {
  const password = URL.parse(databaseUrl)?.password
  return password ? text.replaceAll(password, "***").replaceAll(decodeURIComponent(password), "***") : text
}

// ---- what has to be stopped again, the last first -----------------------------------------------------------------

const closers: Array<() => Promise<unknown>> = []
let killNow = () => {}
let stoppedAt: number | undefined

const stop = async (exitCode: number): Promise<void> => {
  if (stoppedAt !== undefined) return
  stoppedAt = performance.now()
  for (const close of closers.toReversed()) await close().catch((error: unknown) => console.error(String(error)))
  process.exit(exitCode)
}

const onSignal = (signal: string) => {
  if (stoppedAt === undefined) {
    say(`${signal}: stopping ...`)
    void stop(0)
  } else if (performance.now() - stoppedAt > 1_000) {
    // Later than a second: sooner it is the same Ctrl-C, which terminal and package manager each deliver.
    say("stopping now")
    killNow()
  }
}

// ---- the steps ----------------------------------------------------------------------------------------------------

const openDatabase = async (settings: Settings): Promise<{ url: string; seed: boolean }> => {
  const { databaseUrl, seed } = settings
  if (databaseUrl !== undefined) {
    say(`database   ${describe(databaseUrl)} (DATABASE_URL)`)
    return { url: databaseUrl, seed }
  }
  const asked = process.env["EMS_EMBEDDED"] === "pglite"
  if (asked || !isSupported()) {
    const url = `pglite:${path.join(root, ".data", "pglite")}`
    const why = asked ? "EMS_EMBEDDED=pglite" : `no Postgres binaries for ${process.platform}-${process.arch}`
    say(`database   ${url} (PGlite, in process: ${why})`)
    return { url, seed: true }
  }
  const begun = performance.now()
  const starting = startPostgres({ dataDir: path.join(root, ".data", "postgres") })
  closers.push(async () => (await starting.catch(() => undefined))?.stop())
  const server = await starting
  void server.exited.then(() => {
    if (stoppedAt !== undefined) return
    console.error("Postgres ended by itself; its log is lost with it. Stopping.")
    void stop(1)
  })
  say(`database   Postgres on 127.0.0.1:${server.port}, data in ${server.dataDir} (${seconds(begun)})`)
  return { url: server.url, seed: true }
}

/** Schema and sample data in one process: starting a second one costs as much as the work. */
const initialise = async (url: string, seed: boolean): Promise<void> => {
  const begun = performance.now()
  const init = ["apps/cli/src/main.ts", "init", ...(seed ? ["--seed"] : []), "--json"]
  const cli = run("both", { DATABASE_URL: url }, ...init)
  const logs = [capture(cli.stdout), capture(cli.stderr)]
  const code = await cli.exited
  if (stoppedAt !== undefined) return
  if (code !== 0) {
    const said = logs.map((log) => log.text().trim()).filter((text) => text !== "").join("\n")
    throw new Failure(code, `emsdb init failed with exit code ${code}.\n${redact(said, url)}`)
  }
  say(`schema     ready${seed ? ", with sample data" : ""} (${seconds(begun)})`)
}

/** Beside the database that it belongs to, so that who is logged in stays so when it is started again. */
const ownSecret = (): string => {
  const file = path.join(root, ".data", "auth-secret")
  if (!fs.existsSync(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, randomBytes(32).toString("base64"), { mode: 0o600 })
  }
  return fs.readFileSync(file, "utf8")
}

const startApi = async (settings: Settings, databaseUrl: string): Promise<void> => {
  // On a database of its own nobody has an account at first.
  const EMS_FIRST_ADMIN = process.env["EMS_FIRST_ADMIN"] ?? (settings.databaseUrl === undefined ? "offer" : "")
  const begun = performance.now()
  const { host, port } = settings
  const NODE_ENV = process.env["NODE_ENV"] ?? "production"
  const secret = settings.databaseUrl === undefined
    ? { EMS_AUTH_SECRET: process.env["EMS_AUTH_SECRET"] || ownSecret() }
    : {}
  const own = { ...secret, DATABASE_URL: databaseUrl, HOST: host, PORT: String(port), NODE_ENV, EMS_FIRST_ADMIN }
  const api = run("inherit", own, apiMain)
  killNow = api.kill
  void api.exited.then((code) => {
    if (stoppedAt !== undefined) return
    console.error(`The API ended by itself with exit code ${code}. Stopping.`)
    void stop(1)
  })
  // An address to listen on everywhere is not one to connect to.
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : net.isIPv6(host) ? `[${host}]` : host
  const origin = `http://${name}:${port}`
  let seen = "no answer"
  while (stoppedAt === undefined && performance.now() - begun < readyWithinMs) {
    const health = await fetch(`${origin}/api/db/health`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    if (health?.ok) {
      say(`api        ready (${seconds(begun)})`)
      const pages = ["/", "/openapi", "/api/db/health"].map((page) => `  ${origin}${page}`).join("\n")
      say(`\nReady in ${seconds()}. Open\n${pages}\nCtrl-C stops all of it.`)
      return
    }
    if (health) seen = `status ${health.status}`
    await sleep(50)
  }
  if (stoppedAt === undefined) {
    const limit = `${readyWithinMs / 1000} s`
    throw new Failure(1, `The API was not healthy within ${limit}: ${origin}/api/db/health gave ${seen}.`)
  }
}

const main = async (): Promise<void> => {
  const settings = readSettings()
  await assertFree(settings)
  const { seed, url } = await openDatabase(settings)
  if (stoppedAt === undefined) await initialise(url, seed)
  if (stoppedAt === undefined) await startApi(settings, url)
}

// Before the first child, so that no moment is left in which a signal would leave one behind.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => onSignal(signal))
onLauncherGone(() => onSignal("launcher gone"))
// The reader of a pipe may leave (`npm start | head`); that is no reason to leave the servers.
process.stdout.on("error", () => {})

await main().catch((error: unknown) => {
  if (stoppedAt !== undefined) return
  const known = error instanceof Failure || error instanceof EmbeddedPostgresError
  console.error(known ? error.message : error)
  return stop(error instanceof Failure ? error.exitCode : 1)
})
