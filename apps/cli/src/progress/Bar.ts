/** A bar of how much is done, with what is known beside it, on one line. */
import { cut, plain } from "../Table.ts"
import type { Canvas } from "./Canvas.ts"

const drawings = {
  ascii: { done: "#", left: ".", more: "..." },
  unicode: { done: "█", left: "░", more: "…" }
} as const

/** An eighth of the line, within these bounds: what stands beside it says more. */
const shortest = 5
const longest = 20

const cyan = (text: string, { hasColor }: Canvas): string =>
  hasColor && text !== "" ? `\u001B[36m${text}\u001B[39m` : text

/** One line of text, cut where the line ends. */
export const fitted = (text: string, { characters, width }: Canvas): string => {
  const indent = text.length - text.trimStart().length
  return " ".repeat(indent) + cut(plain(text), width - indent, drawings[characters].more)
}

/** `percent` is 0 to 100; `text` is cut where the line ends. */
export const bar = (percent: number, text: string, canvas: Canvas): string => {
  const { done, left } = drawings[canvas.characters]
  const length = Math.min(longest, Math.max(shortest, Math.floor(canvas.width / 8)))
  const filled = Math.floor((length * Math.min(100, Math.max(0, percent))) / 100)
  const figure = ` ${String(Math.floor(percent)).padStart(3)} % `
  const room = { ...canvas, width: canvas.width - length - figure.length }
  return cyan(done.repeat(filled), canvas) + left.repeat(length - filled) + figure + fitted(text, room)
}
