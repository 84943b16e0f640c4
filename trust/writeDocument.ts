/** `pnpm trust report [--out FILE] FILE...`: the files of `--json` as one page, on the terminal or into a file. */
import * as fs from "node:fs"
import { documentOf } from "./Document.ts"
import { UsageError } from "./options.ts"
import { readRun } from "./RunFile.ts"

export const writeDocument = (words: ReadonlyArray<string>): void => {
  const at = words.indexOf("--out")
  const out = at < 0 ? undefined : words[at + 1]
  const files = words.filter((_, index) => at < 0 || (index !== at && index !== at + 1))
  if (files.length === 0 || (at >= 0 && out === undefined)) throw new UsageError("report needs the files of --json")
  const text = documentOf(files.map(readRun))
  if (out === undefined) process.stdout.write(text)
  else fs.writeFileSync(out, text)
}
