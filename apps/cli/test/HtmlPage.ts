/** HTML as a browser reads it: by the parser of the HTML standard. */
import { type DefaultTreeAdapterTypes, parse, type ParserError } from "parse5"

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** Its own and that of all elements in it. */
  readonly text: string
}

type Node = DefaultTreeAdapterTypes.ChildNode | DefaultTreeAdapterTypes.Document

const textOf = (node: Node): string =>
  "value" in node
    ? node.value
    : "childNodes" in node
    ? node.childNodes.map((child) => textOf(child)).join(node.nodeName === "tr" ? "\t" : "")
    : ""

const elementsBelow = (node: Node): ReadonlyArray<Element> => {
  const below = "childNodes" in node ? node.childNodes.flatMap(elementsBelow) : []
  return "tagName" in node
    ? [{
      name: node.tagName,
      attributes: Object.fromEntries(node.attrs.map(({ name, value }) => [name, value])),
      text: textOf(node)
    }, ...below]
    : below
}

export const parsed = (markup: string) => {
  const errors: Array<ParserError["code"]> = []
  const document = parse(markup, { onParseError: ({ code }) => errors.push(code) })
  const elements = elementsBelow(document)
  return {
    /** What a browser would have to mend. */
    errors,
    elements,
    /** What a person reads. */
    text: elements.find(({ name }) => name === "body")?.text ?? ""
  }
}
