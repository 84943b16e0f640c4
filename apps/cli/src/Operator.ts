/** Who runs the command, for the audit log: the user of the operating system. Who has the database's URL may do all. */
import type { Principal } from "@ems/access/Principal"
import { scopesOf } from "@ems/access/Role"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as os from "node:os"

/**
 * By the number of the process's user: Bun takes the name from the environment, where anybody could write another one.
 * Where users are kept elsewhere it is the runtime's word, and in a container a number may have no name at all.
 */
const userName = Effect.gen(function*() {
  const uid = process.getuid?.()
  const users = yield* Effect.option((yield* FileSystem.FileSystem).readFileString("/etc/passwd"))
  const listed = Option.getOrElse(users, () => "").split("\n").map((line) => line.split(":"))
    .find(([, , id]) => uid !== undefined && id === String(uid))?.[0]
  return listed ??
    (yield* Effect.orElseSucceed(Effect.try(() => os.userInfo().username), () => `uid-${uid ?? "unknown"}`))
})

export const operator: Effect.Effect<Principal, never, FileSystem.FileSystem> = Effect.map(userName, (name) => ({
  kind: "user",
  id: `cli:${name}`,
  name,
  role: "admin",
  scopes: scopesOf("admin")
}))
