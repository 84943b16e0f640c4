/** What a person sees of what was written to a terminal: lines that were drawn over are gone. */
/* oxlint-disable no-control-regex -- what a terminal is told begins with one */

/** The lines on the screen, without colours; throws at a sequence that it does not know. */
export const replay = (written: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<Array<string>> = [[]]
  let row = 0
  let column = 0
  const line = () => lines[row] ??= []
  const newLine = () => {
    row++
    column = 0
    line()
  }
  for (const [token] of written.matchAll(/\u001B\[[\d;?]*[A-Za-z]|[^]/gu)) {
    if (token === "\n") newLine()
    else if (token === "\r") column = 0
    else if (token === "\u0007") continue
    else if (/^\u001B\[\d*A$/.test(token)) row = Math.max(0, row - Number(token.slice(2, -1) || "1"))
    else if (/^\u001B\[0?J$/.test(token)) {
      line().length = Math.min(line().length, column)
      lines.length = row + 1
    } else if (/^\u001B\[[\d;]*m$/.test(token)) continue
    else if (token.startsWith("\u001B")) throw new Error(`unknown sequence ${JSON.stringify(token)}`)
    else {
      if (column === columns) newLine()
      line()[column++] = token
    }
  }
  return lines.map((cells) => Array.from(cells, (cell) => cell ?? " ").join("").trimEnd())
}
