/** Cuts the two byte streams of a connection into messages and says what each of them is. */
import { cancelRequestCode, commandTag, FrameReader, gssRequestCode, sslRequestCode, typeOf } from "./Wire.ts"
import type { WireFrame } from "./WireFault.ts"
import { WireStatements } from "./WireStatements.ts"

const untypedNames = new Map([[sslRequestCode, "ssl"], [gssRequestCode, "gss"], [cancelRequestCode, "cancel"]])

export class WireFraming {
  private readonly connection: number
  private readonly onCancel: () => void
  private readonly statements = new WireStatements()
  private readonly readers = { client: new FrameReader(false), server: new FrameReader() }
  /** `answer`: the server owes the one byte behind a request for TLS. `opaque`: only bytes from here on. */
  private phase: "startup" | "answer" | "typed" | "opaque" = "startup"

  /** The client has begun a statement and not yet asked for its answer. */
  private begun = false

  constructor(connection: number, onCancel: () => void) {
    this.connection = connection
    this.onCancel = onCancel
  }

  /** The whole messages that a chunk completes. */
  split(from: "client" | "server", chunk: Buffer): ReadonlyArray<Buffer> {
    if (this.phase === "opaque") return [chunk]
    if (from === "server" && this.phase === "answer") {
      this.phase = chunk[0] === 0x53 ? "opaque" : "startup"
      return [chunk]
    }
    return from === "client" && this.phase === "startup" ? this.splitUntyped(chunk) : this.readers[from].push(chunk)
  }

  private splitUntyped(chunk: Buffer): ReadonlyArray<Buffer> {
    const frames: Array<Buffer> = []
    for (const frame of this.readers.client.push(chunk)) {
      frames.push(frame)
      const name = untypedNames.get(frame.readInt32BE(4))
      const rest = this.readers.client.rest()
      if (name === "ssl" || name === "gss") {
        this.phase = "answer"
        this.readers.client = new FrameReader(false)
        continue
      }
      if (name === "cancel") this.onCancel()
      this.phase = name === "cancel" ? "opaque" : "typed"
      this.readers.client = new FrameReader()
      if (rest.length > 0) frames.push(...this.readers.client.push(rest))
    }
    return frames
  }

  /** What the session asks the server itself; its answer comes in its turn. */
  askForeign(sql: string, ahead: string): void {
    this.statements.askForeign(sql, ahead)
  }

  /** Is what the server says now the answer to a question of the session? Asked before `describe`. */
  get foreign(): boolean {
    return this.statements.foreign
  }

  /** Must see every message once, in order. */
  describe(from: "client" | "server", bytes: Buffer): WireFrame {
    const plain = {
      from,
      bytes,
      connection: this.connection,
      sql: undefined,
      first: false,
      tag: undefined,
      status: undefined
    }
    // A message with a type byte never begins with 0, and TLS begins with 22.
    if (bytes.length >= 8 && bytes[0] === 0 && from === "client") {
      return { ...plain, type: untypedNames.get(bytes.readInt32BE(4)) ?? "startup" }
    }
    if (this.phase === "opaque") return { ...plain, type: "opaque" }
    if (bytes.length === 1) return { ...plain, type: "answer" }
    const type = typeOf(bytes)
    const first = from === "client" && !this.begun
    if (from === "client") this.begun = type === "Q" || type === "S" ? false : this.begun || "PBDE".includes(type)
    return {
      ...plain,
      type,
      first,
      sql: from === "client" ? this.statements.ofClient(type, bytes) : this.statements.ofServer(type),
      tag: from === "server" ? commandTag(bytes) : undefined,
      status: from === "server" && type === "Z" ? String.fromCharCode(bytes[5] ?? 0) : undefined
    }
  }
}
