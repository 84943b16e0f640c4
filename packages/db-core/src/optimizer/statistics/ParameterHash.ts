/**
 * Tells whether two statements had the same parameters, without keeping them. 53 bits: of 1,000 different ones in a
 * request, two are taken for the same in one request of 10^10.
 *
 * Source: cyrb53, two multiplicative hashes of 32 bits over UTF-16 units.
 */

class Mixer {
  private high = 0xdeadbeef
  private low = 0x41c6ce57

  unit(code: number): void {
    this.high = Math.imul(this.high ^ code, 2654435761)
    this.low = Math.imul(this.low ^ code, 1597334677)
  }

  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.unit(text.charCodeAt(at))
  }

  get result(): number {
    const high = Math.imul(this.high ^ (this.high >>> 16), 2246822507) ^
      Math.imul(this.low ^ (this.low >>> 13), 3266489909)
    const low = Math.imul(this.low ^ (this.low >>> 16), 2246822507) ^
      Math.imul(this.high ^ (this.high >>> 13), 3266489909)
    return 4294967296 * (2097151 & low) + (high >>> 0)
  }
}

/** Values nest: what is deeper than this is not looked at. */
const deepest = 16

const mix = (mixer: Mixer, value: unknown, depth: number): void => {
  // The type, and a mark that no text holds: `["ab"]` is not `["a", "b"]`, and 1 is not "1".
  mixer.unit(0x10000 + (typeof value).charCodeAt(0) * 256 + (typeof value).charCodeAt(1))
  if (typeof value !== "object" || value === null) return mixer.text(String(value))
  if (depth >= deepest) return
  if (value instanceof Date) return mixer.text(String(value.getTime()))
  if (value instanceof Uint8Array) {
    for (const byte of value) mixer.unit(byte)
    return
  }
  for (const [key, inner] of Object.entries(value)) {
    mixer.text(key)
    mix(mixer, inner, depth + 1)
  }
  mixer.unit(0x20000)
}

/** Of a statement: of its text too, whose literals are parameters as well. */
export const statementHash = (sql: string, params: ReadonlyArray<unknown>): number => {
  const mixer = new Mixer()
  mixer.text(sql)
  for (const value of params) mix(mixer, value, 0)
  return mixer.result
}
