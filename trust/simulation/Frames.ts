/**
 * Messages of the wire protocol, as far as the simulated server writes and reads them itself.
 *
 * Source: PostgreSQL documentation, "Message Formats": one type byte, an int32 length that counts itself, the body.
 */

/** One message, whole. */
export interface Frame {
  readonly type: string
  readonly bytes: Buffer
}

export const frame = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, "latin1")
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** Splits a stream of messages; what is not whole yet waits. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0)

  read(chunk: Uint8Array): ReadonlyArray<Frame> {
    this.rest = Buffer.concat([this.rest, chunk])
    const frames: Array<Frame> = []
    while (this.rest.length >= 5) {
      const end = 1 + this.rest.readInt32BE(1)
      if (this.rest.length < end) break
      frames.push({ type: String.fromCharCode(this.rest[0]!), bytes: this.rest.subarray(0, end) })
      this.rest = this.rest.subarray(end)
    }
    return frames
  }
}

export const framesOf = (bytes: Uint8Array): ReadonlyArray<Frame> => new FrameReader().read(bytes)

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

/** The strings, each ended by a zero byte, that a message begins with. */
export const strings = ({ bytes }: Frame, count: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let at = 5; found.length < count;) {
    const end = bytes.indexOf(0, at)
    if (end < 0) break
    found.push(bytes.toString("utf8", at, end))
    at = end + 1
  }
  return found
}

export const simpleQuery = (sql: string): Buffer => frame("Q", text(sql))

export const errorResponse = (severity: "ERROR" | "FATAL", code: string, message: string): Buffer =>
  frame("E", Buffer.concat([...[`S${severity}`, `V${severity}`, `C${code}`, `M${message}`].map(text), Buffer.alloc(1)]))

export const readyForQuery = (status: string): Buffer => frame("Z", Buffer.from(status, "latin1"))

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Asks for the password in clear, as Neon's proxy does. */
export const askPassword = frame("R", int32(3))

/** Everything from AuthenticationOk to ReadyForQuery. */
export const welcome = (pid: number, secret: number): Buffer =>
  Buffer.concat([
    frame("R", int32(0)),
    frame("S", Buffer.concat([text("server_version"), text("18.0")])),
    frame("K", Buffer.concat([int32(pid), int32(secret)])),
    readyForQuery("I")
  ])

const cancelRequestCode = 80_877_102

export const isCancelRequest = (bytes: Uint8Array): boolean =>
  bytes.length === 16 && Buffer.from(bytes.buffer, bytes.byteOffset).readInt32BE(4) === cancelRequestCode

/** Process id and secret of a CancelRequest. */
export const cancelTarget = (bytes: Uint8Array): readonly [pid: number, secret: number] => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return [buffer.readInt32BE(8), buffer.readInt32BE(12)]
}

/** `statement_timeout` in a startup message's options. */
export const startupTimeout = (bytes: Uint8Array): number =>
  Number(/statement_timeout=(\d+)/.exec(Buffer.from(bytes).toString("latin1"))?.[1] ?? 0)
