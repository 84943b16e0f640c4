/**
 * JSON on one line. Names in the database are anybody's to choose: what a terminal takes for commands, what turns the
 * direction of text and what other languages take for the end of a line is escaped, which is the same JSON.
 */
const hidden = /[\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu

export const jsonText = (value: unknown): string =>
  JSON.stringify(value).replace(hidden, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
