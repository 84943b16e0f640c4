/**
 * An answer as bytes: its proof first, so that it can be judged before the rows are read.
 *
 * `"EMS" version | crc32 of the rest | length of the head | head | rows`. The head is JSON, the rows are what the
 * runtime's structured clone makes of them (bigint, Date, bytes, NaN, -0 and undefined stay what they are), deflated
 * above 1 KiB. That format is the runtime's own, so Node and Bun do not share answers: see `runtime`.
 */
import * as Result from "effect/Result"
import { deserialize, serialize } from "node:v8"
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib"
import type { Found } from "../../../driver/Statements.ts"
import type { Proof } from "./Proof.ts"

/** To be raised when the driver makes other values of the same rows, or the layout changes. */
export const version = 1

/** Whose rows can be read here. */
export const runtime = process.versions["bun"] === undefined ? "v8" : "jsc"

const magic = Buffer.from([0x45, 0x4d, 0x53, version])

/** Magic, checksum, length of the head. */
const prefixBytes = 12

/** Smaller rows gain nothing. Bytes. */
const deflateAbove = 1024

/** Level 1 takes a tenth of the usual level's time, for a fifth more bytes. */
const deflateOptions = { level: 1 }

export interface Head extends Proof {
  /** Of the key that it was put under: what a connection out of step hands over is not taken for another answer. */
  readonly key: string
  /** What the query took. Milliseconds. */
  readonly tookMs: number
  /** How long it may be kept, from when its query began. Milliseconds. */
  readonly maxAge: number
  /** Bytes of the rows before they were deflated. */
  readonly bytes: number
  readonly isDeflated: boolean
}

export interface Envelope {
  readonly head: Head
  readonly body: Buffer
}

/** `undefined` for an answer above `maxBytes`, or one that holds what cannot be sent. */
export const seal = (
  facts: Omit<Head, "bytes" | "isDeflated">,
  found: Found,
  maxBytes: number
): Buffer | undefined => {
  const rows = Result.getOrUndefined(Result.try(() => serialize(found)))
  if (rows === undefined || rows.length > maxBytes) return undefined
  const isDeflated = rows.length > deflateAbove
  const head = Buffer.from(JSON.stringify({ ...facts, bytes: rows.length, isDeflated } satisfies Head))
  const body = isDeflated ? deflateRawSync(rows, deflateOptions) : rows
  const sealed = Buffer.allocUnsafe(prefixBytes + head.length + body.length)
  magic.copy(sealed, 0)
  sealed.writeUInt32LE(head.length, 8)
  head.copy(sealed, prefixBytes)
  body.copy(sealed, prefixBytes + head.length)
  sealed.writeUInt32LE(crc32(sealed.subarray(8)), 4)
  return sealed
}

/** `undefined` for what is no answer to `key`, or was damaged. */
export const open = (sealed: Buffer, key: string): Envelope | undefined => {
  if (sealed.length < prefixBytes || !sealed.subarray(0, 4).equals(magic)) return undefined
  if (crc32(sealed.subarray(8)) !== sealed.readUInt32LE(4)) return undefined
  const headEnd = prefixBytes + sealed.readUInt32LE(8)
  if (headEnd > sealed.length) return undefined
  // Its checksum is right and its version ours: it is a `Head`.
  const head = Result.getOrUndefined(
    Result.try(() => JSON.parse(sealed.toString("utf8", prefixBytes, headEnd)) as Head)
  )
  return head?.key === key ? { head, body: sealed.subarray(headEnd) } : undefined
}

/** `undefined` when the rows cannot be read. */
export const rowsOf = ({ body, head }: Envelope): Found | undefined =>
  Result.getOrUndefined(Result.try(() => {
    // No more memory than the writer said, whatever the bytes say.
    const rows = head.isDeflated ? inflateRawSync(body, { maxOutputLength: Math.max(1, head.bytes) }) : body
    return deserialize(rows) as Found
  }))
