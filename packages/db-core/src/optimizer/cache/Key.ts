/**
 * Keys of cached answers: the statement and its parameters, each with its type, so that no two calls share a key whose
 * answers may differ. The whole text is the key: a hash would cost more than the map's own.
 */

/** `undefined` for what has no exact text of its own. */
const encode = (value: unknown): string | undefined => {
  switch (typeof value) {
    case "string":
      return `s${value.length}:${value}`
    case "bigint":
      return `i${value};`
    case "number":
      return Object.is(value, -0) ? "n-0;" : `n${value};`
    case "boolean":
      return value ? "t" : "f"
    case "undefined":
      return "u"
    case "object":
      return encodeObject(value)
    default:
      return undefined
  }
}

const encodeObject = (value: object | null): string | undefined => {
  if (value === null) return "z"
  if (value instanceof Date) return `d${value.getTime()};`
  if (value instanceof Uint8Array) {
    return `b${value.length}:${Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1")}`
  }
  if (Array.isArray(value)) {
    let text = `a${value.length}[`
    for (const element of value as ReadonlyArray<unknown>) {
      const encoded = encode(element)
      if (encoded === undefined) return undefined
      text += encoded
    }
    return text
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return undefined
  // In the order in which they were set: two orders are two keys, which costs a miss and is never wrong.
  let text = "o"
  for (const [key, member] of Object.entries(value)) {
    const encoded = encode(member)
    if (encoded === undefined) return undefined
    text += `${key.length}:${key}${encoded}`
  }
  return `${text}}`
}

/** `undefined` when a parameter has no exact text: then nothing can be cached. */
export const keyOf = (prefix: string, params: ReadonlyArray<unknown>): string | undefined => {
  let key = prefix
  for (const value of params) {
    const encoded = encode(value)
    if (encoded === undefined) return undefined
    key += encoded
  }
  return key
}
