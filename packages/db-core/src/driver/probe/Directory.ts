/**
 * What can be seen of an embedded database's directory without opening it: opening makes one that is missing, and two
 * processes in one directory destroy it, since an embedded database takes no lock.
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"

export interface Directory {
  readonly exists: boolean
  readonly isDirectory: boolean
  /** Of the directory; where there is none, of the nearest one above it. */
  readonly isWritable: boolean
  /** Postgres's major version, from `PG_VERSION`; none where that file is not. */
  readonly version: string | undefined
  /** There is a `postmaster.pid`, which a clean end removes. */
  readonly hasPidFile: boolean
  /** A process that has files of it open; `unknown` where the system does not tell. */
  readonly usedBy: number | "nobody" | "unknown"
}

const orElse = <A, B>(work: () => Promise<A>, otherwise: B): Effect.Effect<A | B> =>
  Effect.orElseSucceed(Effect.tryPromise(work), () => otherwise)

const isAllowed = (name: string, mode?: number): Effect.Effect<boolean> =>
  orElse(() => fs.access(name, mode).then(() => true), false)

const holds = (pid: string, directory: string): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const files = yield* orElse(() => fs.readdir(`/proc/${pid}/fd`), [])
    const targets = yield* Effect.forEach(files, (file) => orElse(() => fs.readlink(`/proc/${pid}/fd/${file}`), ""))
    return targets.some((target) => target.startsWith(`${directory}/`))
  })

/** Linux says of each process which files it has open; of those of other users only to root. */
const userOf = (directory: string): Effect.Effect<Directory["usedBy"]> =>
  Effect.gen(function*() {
    const entries = yield* orElse(() => fs.readdir("/proc"), [])
    if (entries.length === 0) return "unknown"
    for (const pid of entries.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      if (yield* holds(pid, directory)) return Number(pid)
    }
    return "nobody"
  })

/** The directory, or the nearest one above it that is there. */
const nearest = (directory: string): Effect.Effect<string> =>
  Effect.flatMap(isAllowed(directory), (isThere) => {
    const above = path.dirname(directory)
    return isThere || above === directory ? Effect.succeed(directory) : nearest(above)
  })

/** `name` as the URL has it. Reads; changes nothing. */
export const inspect = (name: string): Effect.Effect<Directory> =>
  Effect.gen(function*() {
    const found = yield* orElse(() => fs.realpath(name), path.resolve(name))
    const stat = yield* orElse(() => fs.stat(found), undefined)
    const version = yield* orElse(() => fs.readFile(path.join(found, "PG_VERSION"), "utf8"), undefined)
    return {
      exists: stat !== undefined,
      isDirectory: stat?.isDirectory() ?? false,
      isWritable: yield* isAllowed(yield* nearest(found), fs.constants.W_OK),
      version: version?.trim(),
      hasPidFile: yield* isAllowed(path.join(found, "postmaster.pid")),
      usedBy: version === undefined ? "nobody" : yield* userOf(found)
    }
  })
