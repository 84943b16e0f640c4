/** What cannot be known here, and why; said in place of an empty list, which would look like good news. */
import * as Schema from "effect/Schema"
import { Text } from "./Scalars.ts"

const fields = {
  /**
   * - `version`, `extension`, `privilege`: a newer server, an extension or a role would have it.
   * - `backend`: nobody reaches it on this way to the database, such as sessions on an embedded one.
   * - `statistics`: it is answered from records that are not kept, or not for long enough.
   * - `files`: files that it is answered from are not where this process looks for them.
   * - `failed`: the server refused the question, or took too long.
   */
  because: Schema.Literals(["version", "extension", "privilege", "backend", "statistics", "files", "failed"]),
  /** What is missing, and how to get it. */
  text: Text
}

export const Unavailable = Schema.Struct(fields)
export type Unavailable = typeof Unavailable.Type

/** Those of several questions that have no answer here, by the name of the member that lacks it. */
export const unavailableParts = <const Part extends string>(parts: ReadonlyArray<Part>) =>
  Schema.Array(Schema.Struct({ part: Schema.Literals(parts), ...fields }))
