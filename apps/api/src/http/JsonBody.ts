/**
 * Reads the body of a request: JSON of bounded size and depth, and of nothing that changes its meaning further down: a
 * NUL that Postgres refuses, half a surrogate pair that would silently become U+FFFD, a `__proto__`.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Refused } from "./Failure.ts"
import type { Kind } from "./Problem.ts"

/** Bytes, at most; the socket refuses longer ones as well. */
export const maxBytes = 64 * 1024

/** Arrays and objects inside each other, at most. */
const maxDepth = 16

/** A body has to be there within this time. Milliseconds. */
const readTimeout = 10_000

const refused = (status: number, detail: string, headers?: Kind["headers"]) =>
  new Refused({ kind: { status, detail, ...(headers && { headers }) } })

const unreadable = (detail: string) => refused(400, `The body could not be read: ${detail}.`)

const isJson = /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*$/i

const notJson = refused(415, "Send application/json.", { accept: "application/json" })
const tooLarge = refused(413, `The body is larger than ${maxBytes} bytes.`)
const tooLate = refused(408, "The body did not arrive in time.", { connection: "close" })
const cutOff = unreadable("it ended early")

/** Chunk by chunk: how long it is says itself, not a header. */
const bytesOf = (body: ReadableStream<Uint8Array>): Effect.Effect<Uint8Array, Refused> =>
  Effect.acquireUseRelease(
    Effect.sync(() => body.getReader()),
    Effect.fnUntraced(function*(reader) {
      const chunks: Array<Uint8Array> = []
      for (let length = 0;;) {
        const next = yield* Effect.tryPromise({ try: () => reader.read(), catch: () => cutOff })
        if (next.done) return Buffer.concat(chunks)
        length += next.value.length
        if (length > maxBytes) return yield* tooLarge
        chunks.push(next.value)
      }
    }),
    // What is still coming is of no use.
    (reader) => Effect.ignore(Effect.tryPromise(() => reader.cancel()))
  ).pipe(Effect.timeoutOrElse({ duration: readTimeout, orElse: () => tooLate }))

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false })

/** Counted before it is parsed: a parser's own recursion may be what fails. */
const isTooDeep = (text: string): boolean => {
  let depth = 0
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (isString) {
      if (char === 0x5c) at++
      else if (char === 0x22) isString = false
    } else if (char === 0x22) isString = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  return false
}

/** Text that Postgres takes as it is. */
const isPlain = (text: string): boolean => text.isWellFormed() && !text.includes("\0")

const isClean = (value: unknown): boolean => {
  if (typeof value === "string") return isPlain(value)
  if (typeof value !== "object" || value === null) return true
  if (Array.isArray(value)) return value.every(isClean)
  return Object.entries(value).every(([key, member]) => key !== "__proto__" && isPlain(key) && isClean(member))
}

const parsed = (bytes: Uint8Array): Result.Result<unknown, Refused> =>
  Result.gen(function*() {
    const text = yield* Result.try({ try: () => utf8.decode(bytes), catch: () => unreadable("it is not UTF-8") })
    if (isTooDeep(text)) {
      return yield* Result.fail(unreadable(`it is nested deeper than ${maxDepth} levels`))
    }
    const value = yield* Result.try({
      try: (): unknown => JSON.parse(text),
      catch: () => unreadable("it is not JSON")
    })
    return isClean(value)
      ? value
      : yield* Result.fail(unreadable("it holds a NUL, half a surrogate pair or a member named __proto__"))
  })

/** `undefined` where there is none. */
export const read = (request: Request): Effect.Effect<unknown, Refused> =>
  Effect.gen(function*() {
    if (request.body === null) return undefined
    if (!isJson.test(request.headers.get("content-type") ?? "")) return yield* notJson
    if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return yield* tooLarge
    return yield* Effect.fromResult(parsed(yield* bytesOf(request.body)))
  })
