/** XML 1.0 of elements, attributes and text. Everything that is not ours is escaped, so nothing of it is markup. */

export type Xml = string & { readonly Xml: unique symbol }

/** What XML 1.0 cannot hold at all, not even escaped (2.2 Characters). */
// oxlint-disable-next-line no-control-regex
const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&apos;",
  // A parser makes blanks of these in an attribute.
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;"
}

const escaped = (value: string, special: RegExp): string =>
  value.replace(forbidden, "\uFFFD").replace(special, (char) => entities[char] ?? "")

// A cast: only these two make XML, and both escape.
export const text = (value: string): Xml => escaped(value, /[&<>\r]/g) as Xml

export const element = (
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: ReadonlyArray<Xml> = []
): Xml => {
  const begin = [
    name,
    ...Object.entries(attributes).map(([key, value]) => `${key}="${escaped(String(value), /[&<>"'\t\n\r]/g)}"`)
  ].join(" ")
  return (children.length === 0 ? `<${begin}/>` : `<${begin}>${children.join("")}</${name}>`) as Xml
}
