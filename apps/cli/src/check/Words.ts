/** Sentences for people, over as many lines as they need. */
import { plain, widthOf } from "../Table.ts"

const pieces = (word: string, width: number): ReadonlyArray<string> => {
  if (widthOf(word) <= width) return [word]
  const found = [""]
  for (const char of word) {
    if (widthOf(found.at(-1)! + char) > width) found.push(char)
    else found.push(found.pop()! + char)
  }
  return found
}

/** Each line begins with `indent` and has `width` columns at most; a word that is longer is broken. */
export const wrapped = (text: string, width: number, indent = ""): ReadonlyArray<string> => {
  const room = Math.max(10, width - indent.length)
  const lines: Array<string> = []
  for (const word of plain(text).split(" ").flatMap((one) => pieces(one, room))) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= room) lines.splice(-1, 1, `${last} ${word}`)
    else lines.push(word)
  }
  return lines.map((line) => indent + line)
}
