/**
 * Cached answers are shared by all their readers, so nobody may change them: they are frozen once, when they are put
 * in. A copy for each reader would cost forty times a hit.
 */

/** Freezing does not stop a Date's setters. */
class FrozenDate extends Date {}
const refuse = (): never => {
  throw new TypeError("a cached Date cannot be changed: make a new one of it")
}
for (const name of Object.getOwnPropertyNames(Date.prototype)) {
  if (name.startsWith("set")) Object.defineProperty(FrozenDate.prototype, name, { value: refuse })
}
// It is a Date to everybody who asks.
Object.defineProperty(FrozenDate.prototype, "constructor", { value: Date })

export interface Frozen {
  /** Memory that it takes, about. */
  readonly bytes: number
  /** Whether it holds binary data, which cannot be frozen: each reader gets a copy of its own. */
  readonly hasBinary: boolean
  /** Whether a row holds objects, as JSON columns do: Drizzle's mappers for relations write into those. */
  readonly hasObjects: boolean
}

/** What an object, an element and a number take on a 64-bit engine, about. */
const objectBytes = 24
const slotBytes = 8
const boxedBytes = 16

const weigh = (value: unknown, freezes: boolean): Frozen => {
  let bytes = 0
  let hasBinary = false
  let hasObjects = false
  const visit = (node: unknown, depth: number): void => {
    switch (typeof node) {
      case "string":
        // Two bytes for a character in the worst case.
        bytes += objectBytes + node.length * 2
        return
      case "bigint":
      case "number":
        bytes += boxedBytes
        return
      case "object":
        break
      default:
        return
    }
    if (node === null) return
    bytes += objectBytes
    if (node instanceof Date) {
      Object.setPrototypeOf(node, FrozenDate.prototype)
      Object.freeze(node)
      return
    }
    if (ArrayBuffer.isView(node)) {
      bytes += node.byteLength
      hasBinary = true
      return
    }
    // Below the list and its rows.
    if (depth >= 2) hasObjects = true
    if (freezes) Object.freeze(node)
    if (Array.isArray(node)) {
      bytes += node.length * slotBytes
      for (const element of node as ReadonlyArray<unknown>) visit(element, depth + 1)
    } else if (node instanceof Map) {
      for (const [key, member] of node as ReadonlyMap<unknown, unknown>) {
        visit(key, depth + 1)
        visit(member, depth + 1)
      }
    } else {
      for (const member of Object.values(node)) {
        bytes += slotBytes
        visit(member, depth + 1)
      }
    }
  }
  visit(value, 0)
  return { bytes, hasBinary, hasObjects }
}

/** Freezes `value` with all it holds, and measures it. */
export const freeze = (value: unknown): Frozen => weigh(value, true)

/**
 * Measures `value`, and freezes only the Dates in it, which mappers hand on as they are. Frozen arrays are slow to read
 * on JavaScriptCore, and take a microsecond each to freeze.
 */
export const measure = (value: unknown): Frozen => weigh(value, false)
