/**
 * HTTP/1.1 as bytes on a socket: what a client library would refuse to send is sent, and everything that comes back is
 * kept as it came.
 */
import * as net from "node:net"

export interface Answer {
  readonly status: number
  /** Names in lower case; of several the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** All of it, head and body. */
  readonly raw: string
  readonly ms: number
}

export interface Sending {
  readonly method?: string
  /** Path and query, written as they are. */
  readonly target: string
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>
  readonly body?: string | Uint8Array | undefined
}

export interface Patience {
  /** The request is a HEAD: there is no body, whatever its length is said to be. */
  readonly isHead?: boolean
  /** Milliseconds. */
  readonly timeout?: number
}

/** Nothing is waited for longer than this. Milliseconds. */
export const hangsAfter = 20_000

/** No complete answer: the connection was closed before, or nothing came in time. */
export type Lost = "closed" | "hung"

const headEnd = Buffer.from("\r\n\r\n")

/** A chunked body without its framing; `undefined` while it is not complete. */
const unchunked = (bytes: Buffer): { readonly body: Buffer; readonly used: number } | undefined => {
  const parts: Array<Buffer> = []
  for (let at = 0;;) {
    const line = bytes.indexOf("\r\n", at)
    if (line === -1) return undefined
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16)
    if (!(size >= 0)) return undefined
    const end = line + 2 + size + 2
    if (bytes.length < end) return undefined
    if (size === 0) return { body: Buffer.concat(parts), used: end }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = end
  }
}

interface Message {
  readonly answer: Omit<Answer, "ms">
  readonly used: number
  readonly stays: boolean
}

/** The first complete message of `bytes`; with `isOver` nothing comes after them. */
const parse = (bytes: Buffer, isHead: boolean, isOver: boolean): Message | undefined => {
  const end = bytes.indexOf(headEnd)
  if (end === -1) return undefined
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n")
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  }))
  const status = Number(first.split(" ")[1])
  const rest = bytes.subarray(end + 4)
  const made = (body: Buffer, used: number): Message => ({
    answer: { status, headers, body: body.toString(), raw: bytes.toString("utf8", 0, end + 4 + used) },
    used: end + 4 + used,
    stays: headers.get("connection")?.toLowerCase() !== "close"
  })
  if (isHead || status === 204 || status === 304 || status < 200) return made(Buffer.alloc(0), 0)
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") {
    const whole = unchunked(rest)
    return whole === undefined ? undefined : made(whole.body, whole.used)
  }
  const length = headers.get("content-length")
  if (length === undefined) return isOver ? { ...made(rest, rest.length), stays: false } : undefined
  return rest.length < Number(length) ? undefined : made(rest.subarray(0, Number(length)), Number(length))
}

export class Wire {
  private readonly socket: net.Socket
  private received = Buffer.alloc(0)
  private wake: () => void = () => {}
  /** The other side has closed, or this one. */
  isClosed = false

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.wake()
    })
    const over = () => {
      this.isClosed = true
      this.wake()
    }
    socket.on("end", over).on("error", over).on("close", over)
  }

  /** From `address`, one of the host's own: any of 127.0.0.0/8 on loopback. */
  static open(url: string, address?: string): Promise<Wire> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = net.connect({
        host: hostname,
        port: Number(port),
        ...(address !== undefined && { localAddress: address })
      })
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        socket.setNoDelay(true)
        resolve(new Wire(socket))
      })
    })
  }

  /** Resolves when it was handed to the system; false when nobody takes it any more. */
  send(bytes: string | Uint8Array): Promise<boolean> {
    if (this.isClosed) return Promise.resolve(false)
    return new Promise((resolve) => {
      const over = () => resolve(false)
      this.socket.once("close", over)
      this.socket.write(bytes, (error) => {
        this.socket.off("close", over)
        resolve(error === null || error === undefined)
      })
    })
  }

  /** What came and was not taken by `answer` yet. */
  get pending(): string {
    return this.received.toString("utf8")
  }

  async answer({ isHead = false, timeout = hangsAfter }: Patience = {}): Promise<Answer | Lost> {
    const began = performance.now()
    for (;;) {
      const message = parse(this.received, isHead, this.isClosed)
      if (message !== undefined) {
        this.received = this.received.subarray(message.used)
        if (message.answer.status < 200) continue
        if (!message.stays) this.close()
        return { ...message.answer, ms: performance.now() - began }
      }
      if (this.isClosed) return "closed"
      const left = timeout - (performance.now() - began)
      if (left <= 0) return "hung"
      await this.next(left)
    }
  }

  /** Resolves when something came, when it is over, or after `ms`. */
  private next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  close(): void {
    this.isClosed = true
    this.socket.destroy()
  }
}

/** A request as bytes. `Host` and, with a body, its length are added where they are not given. */
export const written = ({ body, headers = [], method = "GET", target }: Sending): Buffer => {
  const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name)
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has("host") ? [] : ["host: localhost"]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || has("content-length") || has("transfer-encoding")
      ? []
      : [`content-length: ${bytes.length}`])
  ]
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), bytes])
}

/** Connections that are used again, as a client with keep-alive does. */
export class Wires {
  private readonly url: string
  private readonly address: string | undefined
  private readonly idle: Array<Wire> = []

  constructor(url: string, address?: string) {
    this.url = url
    this.address = address
  }

  async exchange(bytes: string | Uint8Array, patience: Patience = {}): Promise<Answer | Lost> {
    for (;;) {
      let kept = this.idle.pop()
      while (kept?.isClosed === true) kept = this.idle.pop()
      const wire = kept ?? await Wire.open(this.url, this.address)
      void wire.send(bytes)
      const answer = await wire.answer(patience)
      // It may have been closed for being idle just when it was used: a fresh one decides.
      if (answer === "closed" && kept !== undefined) continue
      // What came unasked belongs to nobody: the connection is out of step.
      if (typeof answer === "string" || wire.isClosed || wire.pending !== "") wire.close()
      else this.idle.push(wire)
      return answer
    }
  }

  ask(sending: Sending, timeout?: number): Promise<Answer | Lost> {
    return this.exchange(written(sending), {
      isHead: sending.method === "HEAD",
      ...(timeout !== undefined && { timeout })
    })
  }

  close(): void {
    for (const wire of this.idle.splice(0)) wire.close()
  }
}

export const bearer = (token: string) => ["authorization", `Bearer ${token}`] as const

export const json = (value: unknown, headers: Sending["headers"] = []): Pick<Sending, "body" | "headers"> => ({
  headers: [["content-type", "application/json"], ...headers],
  body: JSON.stringify(value)
})

/** 0: there was no complete answer. */
export const statusOf = (answer: Answer | Lost): number => typeof answer === "string" ? 0 : answer.status

/** `count` workers, each the next of `items` when it is done with one. */
export const inParallel = async <A>(
  items: ReadonlyArray<A>,
  count: number,
  one: (item: A, at: number) => Promise<void>
): Promise<void> => {
  let next = 0
  await Promise.all(Array.from({ length: count }, async () => {
    while (next < items.length) {
      const at = next++
      await one(items[at]!, at)
    }
  }))
}
