/** The last slow statements, in a ring: what they were and what their parameters looked like, without a value. */
import type { ReasonTag } from "../../errors/SqlState.ts"

/** Characters of a text, bytes of binary data, elements of an array; a number's length would tell its size. */
export interface RedactedParameter {
  readonly type: "null" | "boolean" | "number" | "bigint" | "string" | "bytes" | "date" | "array" | "object"
  readonly length?: number
}

export interface SlowQuery {
  /** Of its fingerprint. */
  readonly id: string
  readonly text: string
  readonly name: string | undefined
  readonly caller: string | undefined
  /** When it ended. Milliseconds since the epoch. */
  readonly at: number
  readonly durationMs: number
  readonly rows: number
  readonly error: ReasonTag | undefined
  /** The first 64. */
  readonly parameters: ReadonlyArray<RedactedParameter>
  readonly parameterCount: number
}

const described = 64

const redacted = (value: unknown): RedactedParameter => {
  switch (typeof value) {
    case "string":
      return { type: "string", length: value.length }
    case "boolean":
    case "number":
    case "bigint":
      return { type: typeof value as "boolean" | "number" | "bigint" }
  }
  if (value === null || value === undefined) return { type: "null" }
  if (value instanceof Date) return { type: "date" }
  if (value instanceof Uint8Array) return { type: "bytes", length: value.byteLength }
  if (Array.isArray(value)) return { type: "array", length: value.length }
  return { type: "object" }
}

export const redact = (params: ReadonlyArray<unknown>): ReadonlyArray<RedactedParameter> =>
  params.slice(0, described).map(redacted)

export class SlowQueries {
  private readonly most: number
  private kept: Array<SlowQuery> = []
  private next = 0

  constructor(most: number) {
    this.most = most
  }

  add(query: SlowQuery): void {
    this.kept[this.next] = query
    this.next = (this.next + 1) % this.most
  }

  /** Those that took at least `ms`, the slowest first. */
  atLeast(ms: number): ReadonlyArray<SlowQuery> {
    return this.kept.filter(({ durationMs }) => durationMs >= ms).toSorted((a, b) => b.durationMs - a.durationMs)
  }

  clear(): void {
    this.kept = []
    this.next = 0
  }
}
