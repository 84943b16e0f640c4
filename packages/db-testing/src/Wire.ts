/** The parts of the Postgres protocol that the stand-ins speak. */

export const protocolVersion3 = 196_608
export const cancelRequestCode = 80_877_102
export const sslRequestCode = 80_877_103
export const gssRequestCode = 80_877_104

const cstring = (text: string) => Buffer.from(`${text}\0`)

/** A message with a type byte. */
export const message = (type: string, ...parts: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type, "latin1")
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

export const int32 = (...values: ReadonlyArray<number>): Buffer => {
  const out = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => out.writeInt32BE(value, 4 * index))
  return out
}

/** A message of the time before the login, which has no type byte. */
export const untyped = (code: number, body: Buffer): Buffer => Buffer.concat([int32(body.length + 8, code), body])

export const startupMessage = (parameters: Readonly<Record<string, string>>): Buffer =>
  untyped(
    protocolVersion3,
    Buffer.concat([...Object.entries(parameters).flat().map(cstring), Buffer.from([0])])
  )

export const parseStartup = (body: Buffer): Record<string, string> => {
  const words = body.toString().split("\0")
  const out: Record<string, string> = {}
  for (let i = 0; i + 1 < words.length && words[i] !== ""; i += 2) out[words[i] ?? ""] = words[i + 1] ?? ""
  return out
}

export const authentication = (code: number, data: Buffer = Buffer.alloc(0)): Buffer => message("R", int32(code), data)

export interface ErrorFields {
  readonly severity: string
  readonly code: string
  readonly message: string
}

export const errorResponse = (fields: ErrorFields): Buffer =>
  message(
    "E",
    cstring(`S${fields.severity}`),
    cstring(`V${fields.severity}`),
    cstring(`C${fields.code}`),
    cstring(`M${fields.message}`),
    Buffer.from([0])
  )

export const parseError = (body: Buffer): ErrorFields => {
  const fields = new Map(body.toString().split("\0").map((field) => [field[0], field.slice(1)]))
  return { severity: fields.get("S") ?? "", code: fields.get("C") ?? "", message: fields.get("M") ?? "" }
}

/** The tag of a CommandComplete, e.g. `INSERT 0 1`. */
export const commandTag = (frame: Buffer): string | undefined =>
  frame[0] === 0x43 ? frame.toString("latin1", 5, frame.length - 1) : undefined

export const typeOf = (frame: Buffer): string => String.fromCharCode(frame[0] ?? 0)

/**
 * Cuts a byte stream into whole messages. Chunks are joined only when a message is complete: joining on every chunk
 * would copy a 16 MB row hundreds of times.
 */
export class FrameReader {
  private parts: Array<Buffer> = []
  private size = 0
  private needed = 1
  private readonly header: 1 | 0

  /** `typed: false` for what a client sends before the login. */
  constructor(typed = true) {
    this.header = typed ? 1 : 0
  }

  push(chunk: Buffer): Array<Buffer> {
    this.parts.push(chunk)
    this.size += chunk.length
    if (this.size < this.needed) return []
    let rest = Buffer.concat(this.parts)
    const frames: Array<Buffer> = []
    for (;;) {
      this.needed = this.header + 4
      if (rest.length < this.needed) break
      this.needed = this.header + rest.readInt32BE(this.header)
      if (rest.length < this.needed) break
      frames.push(rest.subarray(0, this.needed))
      rest = rest.subarray(this.needed)
      if (this.header === 0) break // what follows a startup message has type bytes
    }
    this.parts = [rest]
    this.size = rest.length
    return frames
  }

  /** What has not been a whole message yet. */
  rest(): Buffer {
    return Buffer.concat(this.parts)
  }
}
