/**
 * The tables that a statement names, views among them: for people who look for what touches a table. Read off the
 * text, so what a view or a function reads is not among them; who must not miss one asks the server.
 */
import { unquoted } from "./QuerySummary.ts"
import type { Token } from "./Tokens.ts"

/** Of the statement, or of one open parenthesis in it. */
interface Level {
  verb: string
  /** In a list of tables: a comma leads to the next. */
  inList: boolean
  /** In the names of a WITH. */
  inWith: boolean
  /** DELETE and MERGE have one USING that names a table; those behind it belong to joins. */
  hasUsing: boolean
}

const level = (inList: boolean): Level => ({ verb: inList ? "join" : "", inList, inWith: false, hasUsing: false })

const verbs = new Set(["select", "insert", "update", "delete", "merge"])

/** Words that end a list of tables. `on` does not: a comma behind a join's condition leads to a table. */
const afterList = new Set(
  ("where group order having limit offset fetch set returning values window union intersect except for when select")
    .split(" ")
)

const name = ({ kind, text }: Token): string => kind === "quoted" ? unquoted(text) : text.toLowerCase()

/** Each once, in the order of the text; with their schema where that is written. */
export const tablesOf = (tokens: ReadonlyArray<Token>): ReadonlyArray<string> => {
  const words = tokens.filter(({ kind }) => kind !== "comment")
  const found = new Set<string>()
  const common = new Set<string>()
  const levels: Array<Level> = [level(false)]
  let isExpected = false
  let last = ""
  for (let at = 0; at < words.length; at++) {
    const token = words[at]!
    const { kind } = token
    const top = levels.at(-1)!
    if (isExpected && (kind === "word" || kind === "quoted")) {
      const word = name(token)
      if (kind === "word" && (word === "only" || word === "lateral")) continue
      isExpected = false
      if (kind === "word" && (word === "select" || word === "with" || word === "values")) at--
      else if (top.inWith) {
        if (word === "recursive" && kind === "word") isExpected = true
        else common.add(word)
      } else {
        let full = word
        while (words[at + 1]?.text === "." && words[at + 2] !== undefined) {
          full += `.${name(words[at + 2]!)}`
          at += 2
        }
        const isCall = top.inList && words[at + 1]?.text === "("
        if (!isCall && !(full === word && common.has(word))) found.add(full)
      }
      last = word
      continue
    }
    if (kind === "symbol") {
      if (token.text === "(") {
        // Around a join the list goes on; around a subquery its verb comes first.
        levels.push(level(isExpected))
        last = "("
        continue
      }
      if (token.text === ")") {
        if (levels.length > 1) levels.pop()
        isExpected = false
      } else if (token.text === ",") isExpected = top.inList || top.inWith
      last = token.text
      continue
    }
    if (kind !== "word") {
      isExpected = false
      last = ""
      continue
    }
    const word = token.text.toLowerCase()
    const isOpen = top.verb === "" || top.verb === "join"
    if (isOpen && verbs.has(word)) {
      top.verb = word
      top.inList = false
      top.inWith = false
      if (word === "update") isExpected = true
    } else if (isOpen && word === "with") {
      top.verb = ""
      top.inWith = true
      isExpected = true
    } else if (top.verb !== "") {
      const isUsing = word === "using" && !top.hasUsing && (top.verb === "delete" || top.verb === "merge")
      if (isUsing) top.hasUsing = true
      if (isUsing || word === "join" || (word === "from" && last !== "distinct")) {
        top.inList = true
        isExpected = true
      } else if (word === "into") isExpected = true
      else if (afterList.has(word)) top.inList = false
    }
    last = word
  }
  return [...found]
}
