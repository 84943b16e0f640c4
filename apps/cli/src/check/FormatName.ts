/** How the result of the checks can be printed. */
export const formatNames = [
  "table",
  "expanded",
  "json",
  "ndjson",
  "csv",
  "markdown",
  "sarif",
  "junit",
  "github"
] as const
export type FormatName = typeof formatNames[number]
