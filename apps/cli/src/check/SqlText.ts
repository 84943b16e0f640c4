/**
 * SQL as people and their clipboards may have it: without a character that a terminal takes for a command or that is not
 * seen, and still about the same object. To leave such a character out would name another one, and `drop index` would
 * drop that: a name or string that has one is written with Unicode escapes (`U&"…"`) instead.
 */
import { widthOf } from "../Table.ts"

const hidden = /[\p{Cc}\u061C\u200B-\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu

/** Names and strings whole, runs of white space, and what is between. A quote that nothing closes stands alone. */
const tokens = /(?:u&|[ebx])?'(?:[^']|'')*'|(?:u&)?"(?:[^"]|"")*"|\s+|[^\s"']|["']/giu

const code = (char: string): string => char.charCodeAt(0).toString(16).padStart(4, "0")

const escaped = (token: string): string => {
  if (!/["']$/.test(token) || token.search(hidden) === -1) return token
  if (/^u&/i.test(token)) return token.replace(hidden, (char) => `\\${code(char)}`)
  if (/^e'/i.test(token)) return token.replace(hidden, (char) => `\\u${code(char)}`)
  return `U&${token.replaceAll("\\", "\\\\").replace(hidden, (char) => `\\${code(char)}`)}`
}

const shown = (token: string): string => escaped(token).replace(hidden, " ")

/** What lies between white space outside of quotes, for each line. */
const words = (sql: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines: Array<Array<string>> = [[]]
  let isOpen = false
  for (const [token] of sql.matchAll(tokens)) {
    const line = lines.at(-1)!
    if (/^\s/u.test(token)) {
      isOpen = false
      if (token.includes("\n")) lines.push([])
    } else if (isOpen) {
      line.push((line.pop() ?? "") + shown(token))
    } else {
      isOpen = true
      line.push(shown(token))
    }
  }
  return lines.filter((line) => line.length > 0)
}

/** Its lines, those longer than `width` broken where white space means nothing. Default: none is broken. */
export const sqlLines = (sql: string, width = Number.POSITIVE_INFINITY): ReadonlyArray<string> =>
  words(sql).flatMap((line) => {
    const broken: Array<string> = []
    for (const word of line) {
      const last = broken.at(-1)
      if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) broken.splice(-1, 1, `${last} ${word}`)
      else broken.push(last === undefined ? word : `  ${word}`)
    }
    return broken
  })
