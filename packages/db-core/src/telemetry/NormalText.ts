/**
 * A statement's text with everything folded that differs between two calls of the same query: literals, parameters,
 * the lengths of IN and VALUES lists, comments, white space, the case of words, names of cursors and savepoints. What
 * is left are keywords and identifiers; of text that could be read in two ways, nothing is left.
 */
import type { Token } from "./Tokens.ts"

/** Stands for a literal or a parameter. */
const value = "?"
/** Stands for text that is not shown. */
export const hidden = "…"

/** Before an operand: a sign behind these words belongs to the number. */
const beforeOperand = new Set(
  "select where and or in between then else when limit offset values returning case not like by having".split(" ")
)

/** A parenthesis behind these words is no call. */
const beforeParenthesis = new Set(
  ("in values and or not where from join on as using exists any all some over by select having into when then else " +
    "limit offset union except intersect set returning with within filter materialized lateral only distinct is")
    .split(" ")
)

/** Statements whose second, and whose last word is a name made up by a program: of a cursor, savepoint, … */
const secondIsName = new Set(["declare", "prepare", "execute"])
const lastIsName = new Set(["fetch", "move", "close", "deallocate", "savepoint", "release"])

/** One open parenthesis or bracket, and the statement itself at the bottom. */
interface Frame {
  readonly open: string
  /** Of equal elements one is kept. */
  readonly isList: boolean
  readonly isRow: boolean
  readonly pieces: Array<string>
  /** The rows of the VALUES that is being read. */
  rows: Set<string> | undefined
}

const frame = (open: string, isList = false, isRow = false): Frame => ({
  open,
  isList,
  isRow,
  pieces: [],
  rows: undefined
})

const isTight = (before: string, piece: string): boolean =>
  piece === "," || piece === ";" || piece === "." || piece === "::" || before === "." || before === "::" ||
  piece[0] === "[" || (piece[0] === "(" && /[\w$"\u0080-\uffff]$/.test(before) && !beforeParenthesis.has(before))

const join = (pieces: ReadonlyArray<string>): string => {
  let text = ""
  for (let at = 0; at < pieces.length; at++) {
    text += at === 0 || isTight(pieces[at - 1]!, pieces[at]!) ? pieces[at] : ` ${pieces[at]}`
  }
  return text
}

const foldList = (pieces: ReadonlyArray<string>): string => {
  const elements = new Set<string>()
  for (let from = 0; from <= pieces.length;) {
    const comma = pieces.indexOf(",", from)
    const to = comma < 0 ? pieces.length : comma
    elements.add(join(pieces.slice(from, to)))
    from = to + 1
  }
  return [...elements].join(", ")
}

const contentOf = ({ isList, pieces }: Frame): string => isList ? foldList(pieces) : join(pieces)

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]" }

/** A setting's value is often a bare word. */
const setting = (words: ReadonlyArray<string>): string => {
  const assigned = words.findIndex((word) => word === "=" || word === "to")
  const until = assigned > 0 ? assigned + 1 : words[1] === "local" || words[1] === "session" ? 3 : 2
  return `${join(words.slice(0, until))} ${value}`
}

/** The tokens as words, each value folded; comments are left out. */
const wordsOf = (tokens: ReadonlyArray<Token>): Array<string> => {
  const words: Array<string> = []
  let wasOperand = false
  for (let at = 0; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!
    const mayBeOperand: boolean = !wasOperand
    switch (kind) {
      case "comment":
        continue
      case "string":
      case "number":
      case "parameter":
        words.push(value)
        wasOperand = true
        break
      case "doubtful":
        words.push(hidden)
        break
      case "quoted":
        words.push(text)
        wasOperand = true
        break
      case "symbol":
        wasOperand = text === ")" || text === "]"
        if ((text === "-" || text === "+") && mayBeOperand && tokens[at + 1]?.kind === "number") break
        words.push(text)
        break
      case "word": {
        const word = text.toLowerCase()
        const isConstant: boolean = mayBeOperand && (word === "null" || word === "true" || word === "false") &&
          !["not", "is"].includes(words.at(-1) ?? "")
        words.push(isConstant ? value : word)
        wasOperand = isConstant || !beforeOperand.has(word)
      }
    }
  }
  return words
}

/** `isCut` says that `tokens` are the beginning of a longer text. */
export const normalText = (tokens: ReadonlyArray<Token>, isCut: boolean): string => {
  const words = wordsOf(tokens)
  while (words.at(-1) === ";") words.pop()
  const verb = words[0] ?? ""
  if (verb === "set") return setting(words)
  if (secondIsName.has(verb) && words.length > 1) words[1] = value
  if ((lastIsName.has(verb) || (verb === "rollback" && words.includes("to"))) && words.length > 1) {
    words[words.length - 1] = value
  }
  const frames: Array<Frame> = [frame("")]
  let before = ""
  for (const word of words) {
    const top = frames.at(-1)!
    if (word === "(" || word === "[") {
      const isRow = word === "(" && (before === "values" || (before === "," && top.rows !== undefined))
      frames.push(frame(word, before === "in" || before === "array", isRow))
    } else if ((word === ")" || word === "]") && frames.length > 1) {
      frames.pop()
      const outer = frames.at(-1)!
      const group = `${top.open}${contentOf(top)}${closing[top.open]}`
      if (top.isRow && outer.rows?.has(group) === true) outer.pieces.pop()
      else outer.pieces.push(group)
      if (top.isRow) outer.rows?.add(group)
    } else {
      if (word === "values") top.rows = new Set()
      else if (word !== ",") top.rows = undefined
      const isSettingsValue = verb === "alter" && (before === "to" || before === "=")
      const isDefault = word === "default" && top.isRow
      top.pieces.push(isSettingsValue || isDefault ? value : word)
    }
    before = word
  }
  // What was cut in the middle of a list would differ with the length of the list.
  while (frames.length > 1) {
    const top = frames.pop()!
    const outer = frames.at(-1)!
    if (top.isRow) {
      if (outer.pieces.at(-1) === ",") outer.pieces.pop()
    } else outer.pieces.push(`${top.open}${contentOf(top)}`)
  }
  const { pieces } = frames[0]!
  if (isCut && pieces.at(-1) === ",") pieces.pop()
  if (isCut) pieces.push(hidden)
  return join(pieces)
}
