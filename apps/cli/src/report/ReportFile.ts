/** The report on the disk: there whole or not at all, and never in place of another file unless that was asked for. */
import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as path from "node:path"

const refused = (file: string, expected: string) =>
  new CliError.InvalidValue({ option: "out", value: file, expected, kind: "flag" })

const occupied = (file: string) => refused(file, "a file that is not there yet; --force writes over it")

/** A name of anybody's choosing is no part of a path. To the second, so that two reports have two names. */
export const usualName = (database: string, timestamp: string): string =>
  `emsdb-report-${database.replace(/[^A-Za-z0-9_-]+/g, "_")}-${timestamp.slice(0, 19).replaceAll(":", "")}Z.html`

/** Before anything is asked of the server. */
export const assertFree = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(files.exists(file), () => false)) return yield* occupied(file)
})

/** Gives the file's full path. */
export const write = Effect.fnUntraced(
  function*(file: string, content: string, { force }: { readonly force: boolean }) {
    const files = yield* FileSystem.FileSystem
    const target = path.resolve(file)
    const unwritable = () => refused(file, "a file that can be written")
    yield* Effect.scoped(Effect.gen(function*() {
      // Beside its place, so that it is put there in one step. Removed with the scope, when it was not.
      const unfinished = yield* Effect.acquireRelease(
        Effect.succeed(path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.unfinished`)),
        (unfinished) => Effect.ignore(files.remove(unfinished, { force: true }))
      )
      // It says what runs in the database: for who made it, until they send it on.
      yield* Effect.mapError(files.writeFileString(unfinished, content, { flag: "wx", mode: 0o600 }), unwritable)
      const move = Effect.mapError(files.rename(unfinished, target), unwritable)
      if (force) return yield* move
      // A link fails where a file is, also where one came since that was looked at; a rename would replace it.
      yield* Effect.catch(files.link(unfinished, target), ({ reason }) =>
        reason._tag === "AlreadyExists"
          ? occupied(file)
          // A file system without links.
          : Effect.andThen(assertFree(file), move))
    }))
    return target
  }
)
