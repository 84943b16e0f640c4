/** The last lines that a program wrote, for the error that tells why it ended. */
import type { Readable } from "node:stream"

export interface LogTail {
  readonly text: () => string
  /** The last 15 lines. */
  readonly tail: () => string
  readonly onText: (listener: (text: string) => void) => void
}

export const capture = (output: Readable | null): LogTail => {
  let text = ""
  let listener: (text: string) => void = () => {}
  output?.setEncoding("utf8")
  // Read for as long as the program lives: a full pipe would stop it in the middle of a log line.
  output?.on("data", (chunk: string) => {
    text = (text + chunk).slice(-20_000)
    listener(text)
  })
  output?.on("error", () => {})
  return {
    text: () => text,
    tail: () => text.trimEnd().split("\n").slice(-15).join("\n"),
    onText: (next) => {
      listener = next
      listener(text)
    }
  }
}
