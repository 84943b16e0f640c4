/**
 * Watches a login go by: which proof the server asks for. The wire client answers it and does not say.
 *
 * Source: PostgreSQL documentation, "Message Formats", Authentication*: type `R`, an int32 length that counts itself,
 * an int32 code.
 */

/** `none`: the server asked for nothing (`trust`, `cert` or `peer` in its pg_hba.conf, or a pooler that does not). */
export type LoginMethod = "none" | "password" | "md5" | "scram-sha-256" | "gss" | "sspi" | "unknown"

const methods: Readonly<Record<number, LoginMethod>> = {
  0: "none",
  3: "password",
  5: "md5",
  7: "gss",
  9: "sspi",
  10: "scram-sha-256"
}

const authentication = 0x52
/** Type, length and code. */
const headLength = 9

export class LoginTap {
  /** Nothing before the server has asked, or let the client in. */
  method: LoginMethod | undefined = undefined
  private head = Buffer.alloc(0)

  /** Only the first message matters: what is asked for comes before anything else but an error. */
  readonly push = (chunk: Uint8Array): void => {
    if (this.head.length >= headLength) return
    this.head = Buffer.concat([this.head, chunk.subarray(0, headLength - this.head.length)])
    if (this.head.length < headLength || this.head[0] !== authentication) return
    this.method = methods[this.head.readInt32BE(5)] ?? "unknown"
  }
}
