/** Who runs the server: Postgres refuses root, so root hands it to another user. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"

export interface Identity {
  readonly uid: number
  readonly gid: number
}

const nobody = (): Identity => {
  for (const line of fs.readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name, , uid, gid] = line.split(":")
    if (name === "nobody") return { uid: Number(uid), gid: Number(gid) }
  }
  return { uid: 65534, gid: 65534 }
}

/**
 * `undefined` for a normal user, who runs the server as themselves. Root takes the owner of an existing data
 * directory (so that `sudo` does not lock a user out of their own data), else `nobody`.
 */
export const serverIdentity = (dataDir: string | undefined): Identity | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const stat = dataDir === undefined ? undefined : fs.statSync(dataDir, { throwIfNoEntry: false })
  return stat && stat.uid !== 0 ? { uid: stat.uid, gid: stat.gid } : nobody()
}

/** Can `identity` pass through every directory from the root down to `directory`? */
export const reachable = (directory: string, identity: Identity | undefined): boolean => {
  if (identity === undefined) return true
  for (let at = fs.realpathSync(directory);; at = path.dirname(at)) {
    const { uid, gid, mode } = fs.statSync(at)
    const bit = uid === identity.uid ? 0o100 : gid === identity.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

/** Temporary directories that both we and `identity` can use, the preferred one first. */
export const sharedTemporaryDirectories = (identity: Identity | undefined): ReadonlyArray<string> =>
  [...new Set([os.tmpdir(), "/var/tmp", "/tmp"])].filter((directory) => {
    try {
      fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK)
      return reachable(directory, identity)
    } catch {
      return false
    }
  })

/**
 * Refuses a directory under a world-writable parent that is not ours alone: its name can be guessed, so anybody could
 * have put binaries or data there before us.
 */
export const assertOurs = (directory: string): void => {
  const stat = fs.lstatSync(directory)
  const uid = process.getuid?.() ?? stat.uid
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(
      "DataDirectory",
      `${directory} must be a directory that belongs to uid ${uid} and that nobody else can write: `
        + `it belongs to uid ${stat.uid} with mode ${(stat.mode & 0o7777).toString(8)}. `
        + `Look who made it, then remove it.`
    )
  }
}
