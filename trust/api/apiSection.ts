/** What the document says of the API. */
import { grouped, table } from "../markdown.ts"
import type { RunFile } from "../RunFile.ts"

export const apiSection = (runs: ReadonlyArray<RunFile>): string => {
  const rows = runs.flatMap(({ api, runtime }) =>
    api === undefined ? [] : [[
      runtime,
      `${api.cases - api.broken} of ${api.cases}`,
      grouped(api.requests),
      grouped(api.unexpected5xx),
      grouped(api.leaks),
      `${grouped(api.authWrong)} of ${grouped(api.authCells)}`,
      grouped(api.overloadErrorsAfter)
    ]]
  )
  return rows.length === 0 ? "Not in these runs." : table(
    [
      "run",
      "cases as they must be",
      "requests",
      "500 and above, but 503",
      "leaks",
      "wrongly let in or out",
      "errors after overload"
    ],
    rows
  )
}
