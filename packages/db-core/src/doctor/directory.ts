/**
 * The directory of an embedded database, looked at before it is opened.
 */
import * as Effect from "effect/Effect"
import { type Directory, inspect } from "../driver/probe/Directory.ts"
import { failed, judged, ok, type Outcome } from "./Step.ts"

const verdict = (
  name: string,
  { exists, hasPidFile, isDirectory, isWritable, usedBy, version }: Directory
): Outcome => {
  const seen = {
    directory: name,
    exists,
    isWritable,
    version: version ?? null,
    usedBy,
    endedCleanly: version === undefined ? null : !hasPidFile
  }
  if (!isWritable) {
    return failed(
      exists ? "the directory cannot be written to" : "the directory is not there, and cannot be made",
      seen,
      "give this process's user the directory (chown), or name another one: pglite:<directory>"
    )
  }
  if (!exists) return failed("the directory is not there", seen, "emsdb init makes it; or correct pglite:<directory>")
  if (!isDirectory) return failed("that is a file", seen, "name a directory: pglite:<directory>")
  if (typeof usedBy === "number") {
    return failed(
      `another process has it open (${usedBy})`,
      seen,
      "end that process first: two in one directory destroy the database. Several need a server: postgres://…"
    )
  }
  if (version === undefined) {
    return failed("there is no database in it", seen, "emsdb init makes one in an empty directory; or correct the path")
  }
  return judged(
    `a database of Postgres ${version}`,
    seen,
    // After a crash Postgres mends itself; where nobody can tell a crash from another process, that is worth a look.
    hasPidFile && usedBy === "unknown"
      ? [{
        summary: "there is a postmaster.pid: the last process crashed, or one is still running",
        advice: "make sure that no other process has the directory open: two destroy the database"
      }]
      : []
  )
}

/** `undefined` keeps the database in memory. */
export const directory = (name: string | undefined): Effect.Effect<Outcome> =>
  name === undefined
    ? Effect.succeed(ok("in memory: gone with the process", {}))
    : Effect.map(inspect(name), (seen) => verdict(name, seen))
