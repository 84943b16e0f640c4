/**
 * Mistakes planted in the product: a text is replaced in a source file while a process of a history loads it. Nothing
 * of them is in the product, and one whose text is no longer there fails loudly.
 */
import * as fs from "node:fs"
import * as path from "node:path"

/** `find` must be there exactly once; where it has white space any will do, so that formatting changes nothing. */
export interface Replacement {
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export type Patch = ReadonlyArray<Replacement>

const root = path.resolve(import.meta.dirname, "../../..")

export class StalePatchError extends Error {}

/** As a part of a regular expression. */
export const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)

/** The absolute paths of what a patch changes. */
export const filesOf = (patch: Patch): ReadonlySet<string> => new Set(patch.map(({ file }) => path.resolve(root, file)))

/** The text of a file with the replacements that are meant for it. */
export const applied = (patch: Patch, file: string): string => {
  let text = fs.readFileSync(file, "utf8")
  for (const { file: wanted, find, replace } of patch) {
    if (path.resolve(root, wanted) !== file) continue
    const pattern = new RegExp(escaped(find).replaceAll(/\s+/g, String.raw`\s+`), "g")
    const times = text.match(pattern)?.length ?? 0
    if (times !== 1) throw new StalePatchError(`${wanted}: the text to replace is there ${times} times: ${find}`)
    text = text.replace(pattern, () => replace)
  }
  return text
}

/** Fails when a patch would not apply. */
export const verify = (patch: Patch): void => {
  for (const file of filesOf(patch)) applied(patch, file)
}
