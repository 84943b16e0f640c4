/**
 * HTML in which text is always text. Names and statements come from whoever is connected to the database, and one of
 * them may be `<script>`: what is put into a template is escaped, unless a template made it.
 */

/** Made by `html` alone. */
class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}
export type { Html }

export type Piece = Html | string | number | null | undefined | ReadonlyArray<Piece>

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

/**
 * Also safe between the quotes of an attribute. What is not to be seen, or turns the direction of what stands around it,
 * becomes a mark that is: the same text must not look like another.
 */
const escape = (text: string): string =>
  text.toWellFormed()
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu, "\uFFFD")
    .replace(/[&<>"']/g, (char) => entities[char] ?? "")

const markupOf = (piece: Piece): string =>
  piece === null || piece === undefined
    ? ""
    : piece instanceof Html
    ? piece.markup
    : typeof piece === "object"
    ? piece.map(markupOf).join("")
    : escape(String(piece))

/** A template. Attributes stand between double quotes, and none that means more than text holds anything but our own. */
export const html = (strings: TemplateStringsArray, ...pieces: ReadonlyArray<Piece>): Html =>
  new Html(String.raw({ raw: strings }, ...pieces.map(markupOf)))

/** Markup of our own that no template could hold, such as a style sheet with its quotes. Never text of anybody else's. */
export const verbatim = (markup: string): Html => new Html(markup)
