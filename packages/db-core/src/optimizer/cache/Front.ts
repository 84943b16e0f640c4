/**
 * The kept answers of one prepared query by its only parameter. Making the text of a key, and hashing it, costs more
 * than everything else about a hit; here the parameter itself is looked up.
 *
 * An entry is in one front at most, and leaves it when the cache lets go of it: fronts hold nothing of their own.
 */
import type { Entry } from "./Entry.ts"

/** A value that is equal to another exactly when their texts in a key are. To a map 0 and -0 are one, to us two. */
const isPlain = (value: unknown): boolean => {
  const type = typeof value
  return type === "bigint" || type === "string" || (type === "number" && value !== 0)
}

export class Front {
  private readonly entries = new Map<unknown, Entry>()

  get(params: ReadonlyArray<unknown>): Entry | undefined {
    return params.length === 1 ? this.entries.get(params[0]) : undefined
  }

  put(params: ReadonlyArray<unknown>, entry: Entry): void {
    const param = params[0]
    if (params.length !== 1 || !isPlain(param) || entry.front === this) return
    entry.front?.drop(entry)
    entry.front = this
    entry.param = param
    this.entries.set(param, entry)
  }

  drop(entry: Entry): void {
    if (this.entries.get(entry.param) === entry) this.entries.delete(entry.param)
    entry.front = undefined
    entry.param = undefined
  }
}
