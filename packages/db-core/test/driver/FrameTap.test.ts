import { Buffer } from "node:buffer"
import { assert, describe, it } from "vitest"
import { FrameTap } from "../../src/driver/FrameTap.ts"

const frame = (type: string, body: string): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(Buffer.byteLength(body) + 4, 1)
  return Buffer.concat([head, Buffer.from(body)])
}
const error = (severity: string, code: string) =>
  frame("E", `S${severity}\0V${severity}\0C${code}\0Msome text\0tusers\0\0`)

const conversation = Buffer.concat([
  frame("1", ""),
  // A row that ends in what looks like a ReadyForQuery.
  frame("D", "row Z\0\0\0\u0005E"),
  frame("C", "SELECT 1\0"),
  frame("Z", "T"),
  error("ERROR", "23505"),
  frame("Z", "E"),
  error("FATAL", "57P01")
])

describe("FrameTap", () => {
  it("sees the same however the bytes are cut", () => {
    for (let size = 1; size <= conversation.length; size++) {
      const tap = new FrameTap()
      for (let at = 0; at < conversation.length; at += size) tap.push(conversation.subarray(at, at + size))
      assert.strictEqual(tap.status, "E", `chunks of ${size}`)
      assert.deepInclude(tap.fatal, { code: "57P01", severity: "FATAL", table: "users" })
    }
  })

  it("ends with bytes that are no message, and trusts no status after them", () => {
    for (const fill of [0x00, 0xee, 0xff]) {
      const tap = new FrameTap()
      tap.push(frame("Z", "I"))
      tap.push(Buffer.alloc(64, fill))
      tap.push(frame("Z", "I"))
      assert.strictEqual(tap.status, "?", String(fill))
    }
  })

  it("follows the transaction status and takes an ordinary error for no farewell", () => {
    const tap = new FrameTap()
    assert.strictEqual(tap.status, "?")
    for (const status of ["I", "T", "E", "I"]) {
      tap.push(frame("Z", status))
      assert.strictEqual(tap.status, status)
    }
    tap.push(error("ERROR", "42601"))
    assert.isUndefined(tap.fatal)
  })
})
