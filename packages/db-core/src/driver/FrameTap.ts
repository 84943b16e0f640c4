/**
 * Watches the server's messages go by without holding them up.
 *
 * The wire client keeps two things to itself that decide whether a connection may be used again: the transaction
 * status in ReadyForQuery, and the code of a FATAL that arrives in the middle of a statement (it reports "connection
 * closed" instead). Owning the socket, we can read both.
 *
 * Source: PostgreSQL documentation, "Message Formats": one type byte, an int32 length that counts itself, the body.
 */
import { type ServerFields, serverFields } from "../errors/ServerError.ts"

/** `I` idle, `T` in a transaction, `E` in a failed transaction, `?` not yet known. */
export type TransactionStatus = "I" | "T" | "E" | "?"

const commandComplete = 0x43
const errorResponse = 0x45
const readyForQuery = 0x5a
const parameterStatus = 0x53

const fieldNames: Readonly<Record<string, string>> = {
  V: "severity",
  C: "code",
  M: "message",
  s: "schema",
  t: "table",
  c: "column",
  d: "dataType",
  n: "constraint",
  P: "position"
}

const parseFields = (body: Uint8Array): ServerFields | undefined => {
  const fields: Record<string, string> = {}
  for (const part of new TextDecoder().decode(body).split("\0")) {
    const name = fieldNames[part.charAt(0)]
    if (name !== undefined) fields[name] = part.slice(1)
  }
  return serverFields(fields)
}

export class FrameTap {
  status: TransactionStatus = "?"
  /** The last FATAL or PANIC the server sent; the connection ends with it. */
  fatal: ServerFields | undefined = undefined
  /** Chunks received: whether it changes tells a silent peer from a slow one. */
  heard = 0
  /** COMMIT was answered since `expectCommit`: it took effect, whatever happens to the connection afterwards. */
  sawCommit = false
  /** The server said that it is a standby. Postgres 14 and newer say so at the start, and when it changes. */
  isStandby = false
  /** Header bytes collected so far: type and length may be split over chunks. */
  private readonly header = new Uint8Array(5)
  private headerLength = 0
  private type = 0
  /** What came cannot be a message: nothing after it can be read. */
  private isLost = false
  /** Body bytes still to come. */
  private rest = 0
  private body: Array<Uint8Array> | undefined = undefined

  readonly push = (chunk: Uint8Array): void => {
    this.heard++
    if (this.isLost) return
    let at = 0
    while (at < chunk.length) {
      if (this.rest === 0) {
        this.header[this.headerLength++] = chunk[at++]!
        if (this.headerLength < 5) continue
        this.headerLength = 0
        const { header } = this
        const type = header[0]!
        this.type = type
        this.rest = ((header[1]! << 24) | (header[2]! << 16) | (header[3]! << 8) | header[4]!) - 4
        if (this.rest < 0) {
          // Not Postgres any more. The wire client will say so; what matters here is not to trust the status.
          this.isLost = true
          this.status = "?"
          return
        }
        // "COMMIT" and its NUL are seven bytes; longer tags are of other commands.
        const isRead = type === errorResponse || type === parameterStatus ||
          (type === commandComplete && this.rest === 7)
        this.body = isRead ? [] : undefined
        continue
      }
      const end = Math.min(chunk.length, at + this.rest)
      if (this.type === readyForQuery) this.status = String.fromCharCode(chunk[at]!) as TransactionStatus
      else this.body?.push(chunk.subarray(at, end))
      this.rest -= end - at
      at = end
      if (this.rest === 0 && this.body !== undefined) {
        this.read(this.type, Buffer.concat(this.body))
        this.body = undefined
      }
    }
  }

  /** Forgets an earlier COMMIT, before the next one is sent. */
  expectCommit(): void {
    this.sawCommit = false
  }

  private read(type: number, body: Buffer): void {
    if (type === commandComplete) {
      if (body.toString("latin1") === "COMMIT\0") this.sawCommit = true
      return
    }
    if (type === parameterStatus) {
      const [name, value] = body.toString("latin1").split("\0")
      if (name === "in_hot_standby") this.isStandby = value === "on"
      return
    }
    const fields = parseFields(body)
    if (fields !== undefined && (fields.severity === "FATAL" || fields.severity === "PANIC")) this.fatal = fields
  }
}
