/** Reads `postmaster.pid`, the lock file of a data directory, and finds out what the process named there is. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

export type Occupant =
  /** No server: no lock file, or its process is gone (Postgres clears such a file itself). */
  | { readonly _tag: "None" }
  /** A server of this directory. `stopping` ones are gone soon. */
  | { readonly _tag: "Server"; readonly pid: number; readonly port: number }
  /** The process that got the number after the server died: Postgres would take it for the server. */
  | { readonly _tag: "Stranger"; readonly pid: number }

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const commandOf = (pid: number): string => {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
  } catch {
    return spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? ""
  }
}

/** Is `pid` a postgres that was started for `dataDir`? */
export const isServerOf = (pid: number, dataDir: string): boolean => {
  if (!isAlive(pid)) return false
  const command = commandOf(pid)
  return command.includes("postgres") && command.includes(dataDir)
}

const readLines = (dataDir: string): ReadonlyArray<string> => {
  try {
    return fs.readFileSync(path.join(dataDir, "postmaster.pid"), "utf8").split("\n")
  } catch {
    return []
  }
}

export const postmasterPid = (dataDir: string): number | undefined => {
  const pid = Number(readLines(dataDir)[0])
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

export const occupant = (dataDir: string): Occupant => {
  const pid = postmasterPid(dataDir)
  if (pid === undefined || !isAlive(pid)) return { _tag: "None" }
  return isServerOf(pid, dataDir)
    ? { _tag: "Server", pid, port: Number(readLines(dataDir)[3]) }
    : { _tag: "Stranger", pid }
}
