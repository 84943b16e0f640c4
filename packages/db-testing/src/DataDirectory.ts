/**
 * The home of a server: `<home>/data` for Postgres and `<home>/password` (0600) for us. The two are made beside their
 * place and renamed together, so of two first launches one wins whole, and a password never meets foreign data.
 */
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Binaries } from "./EmbeddedBinaries.ts"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { assertOurs, type Identity, reachable, sharedTemporaryDirectories } from "./Identity.ts"
import { capture } from "./LogTail.ts"
import { watch } from "./Watchdog.ts"

export interface DataDirectory {
  readonly home: string
  readonly data: string
  readonly password: string
  readonly temporary: boolean
}

export interface DataDirectoryOptions {
  readonly dataDir: string | undefined
  readonly identity: Identity | undefined
  readonly binaries: Binaries
  readonly durable: boolean
  readonly timeoutMs: number
}

/** What Postgres gets to see of our environment: nothing that could be a secret. */
export const serverEnvironment = (): Record<string, string> => ({
  LC_ALL: "C",
  TZ: "UTC",
  PATH: process.env["PATH"] ?? "/usr/bin:/bin"
})

const initialised = (home: string): boolean => fs.existsSync(path.join(home, "data", "PG_VERSION"))

/** Where a persistent home really is: root's may have to move to a place that the server's user can reach. */
const persistentHome = (wanted: string, identity: Identity | undefined): string => {
  const parent = path.dirname(wanted)
  fs.mkdirSync(parent, { recursive: true }) // with the usual mode: a closed parent would lock the server out
  const home = path.join(fs.realpathSync(parent), path.basename(wanted))
  if (reachable(parent, identity)) return home
  if (initialised(home)) {
    throw new EmbeddedPostgresError(
      "DataDirectory",
      `${home} holds a database, but uid ${identity?.uid} cannot pass through the directories above it. `
        + `Open them with chmod o+x, or start as the user who owns them.`
    )
  }
  const candidates = sharedTemporaryDirectories(identity)
  const temporary = candidates.includes("/var/tmp") ? "/var/tmp" : candidates[0] // the one that survives a reboot
  if (temporary === undefined) {
    throw new EmbeddedPostgresError(
      "DataDirectory",
      `Neither ${parent} nor a temporary directory can be reached by uid ${identity?.uid}, who runs the server. `
        + `Open one of them with chmod o+x, or start as a normal user.`
    )
  }
  const outside = path.join(temporary, `ems-pg-${createHash("sha256").update(home).digest("hex").slice(0, 16)}`)
  if (!fs.existsSync(outside)) {
    fs.mkdirSync(outside, { recursive: true, mode: 0o711 })
    fs.chmodSync(outside, 0o711) // whatever the umask
  }
  assertOurs(outside)
  return path.join(outside, path.basename(wanted))
}

const initialise = async (home: string, options: DataDirectoryOptions): Promise<void> => {
  const { binaries, durable, identity, timeoutMs } = options
  const password = path.join(home, "password")
  fs.writeFileSync(password, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 })
  if (identity) { for (const file of [home, password]) fs.chownSync(file, identity.uid, identity.gid) }
  const initdb = watch({
    command: [
      binaries.initdb,
      `--pgdata=${path.join(home, "data")}`,
      "--username=postgres",
      `--pwfile=${password}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // The built-in locale sorts alike on every machine; the C library's names differ between Linux and macOS.
      ...(Number(binaries.major) >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []),
      "--locale=C",
      "--no-instructions",
      ...(durable ? [] : ["--no-sync"])
    ],
    cwd: binaries.directory,
    env: serverEnvironment(),
    identity,
    signal: "TERM",
    lastSignal: "KILL",
    remove: { directory: home, when: "failed" },
    stdio: "stderr"
  })
  const log = capture(initdb.stderr)
  let late = false
  const timer = setTimeout(() => {
    late = true
    initdb.end()
  }, timeoutMs)
  const code = await initdb.exited
  clearTimeout(timer)
  if (code === 0 && !late) return
  fs.rmSync(home, { recursive: true, force: true })
  const what = late ? `did not finish within ${timeoutMs} ms` : `failed with exit code ${code}`
  throw new EmbeddedPostgresError("InitFailed", `initdb ${what} in ${home}.\n${log.tail()}`)
}

const open = (home: string, identity: Identity | undefined, major: string): DataDirectory => {
  const data = path.join(home, "data")
  const uid = identity?.uid ?? process.getuid?.()
  const refuse = (message: string) => {
    throw new EmbeddedPostgresError("DataDirectory", message)
  }
  const owner = fs.statSync(data).uid
  if (uid !== undefined && owner !== uid) {
    refuse(`${home} belongs to uid ${owner}, not to uid ${uid}: start as its owner, or move it away.`)
  }
  const found = fs.readFileSync(path.join(data, "PG_VERSION"), "utf8").trim()
  if (found !== major) {
    refuse(`${home} was made by Postgres ${found}, this is Postgres ${major}: move it away, then load your data again.`)
  }
  const file = path.join(home, "password")
  if (!fs.existsSync(file)) refuse(`${file} is missing: put the password back, or move ${home} away.`)
  return { home, data, password: fs.readFileSync(file, "utf8").trim(), temporary: false }
}

/** Removes what a launch left that was killed during initdb. */
const sweep = (home: string): void => {
  const parent = path.dirname(home)
  for (const name of fs.readdirSync(parent)) {
    const leftover = path.join(parent, name)
    if (!name.startsWith(`${path.basename(home)}.new-`)) continue
    if (Date.now() - fs.statSync(leftover).mtimeMs > 3_600_000) fs.rmSync(leftover, { recursive: true, force: true })
  }
}

/** A data directory that is ready to be served; made when there is none. */
export const openDataDirectory = async (options: DataDirectoryOptions): Promise<DataDirectory> => {
  const { dataDir, identity } = options
  const { major } = options.binaries
  if (dataDir === undefined) {
    const [temporary] = sharedTemporaryDirectories(identity)
    const home = fs.mkdtempSync(path.join(fs.realpathSync(temporary ?? "/tmp"), "ems-pg-"))
    await initialise(home, options)
    return { ...open(home, identity, major), temporary: true }
  }
  const home = persistentHome(path.resolve(dataDir), identity)
  if (initialised(home)) return open(home, identity, major)
  // The order matters: another launch may rename its home to here between the two looks.
  if (fs.existsSync(home) && fs.readdirSync(home).length > 0 && !initialised(home)) {
    throw new EmbeddedPostgresError(
      "DataDirectory",
      `${home} is neither empty nor a database of ours: name another directory, or move it away.`
    )
  }
  sweep(home)
  const fresh = fs.mkdtempSync(`${home}.new-`)
  await initialise(fresh, options)
  try {
    fs.renameSync(fresh, home)
  } catch (cause) {
    fs.rmSync(fresh, { recursive: true, force: true })
    if (!initialised(home)) throw cause
  }
  return open(home, identity, major)
}
