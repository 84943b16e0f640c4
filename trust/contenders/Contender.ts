/** A data layer under test: the few things that the workload asks of it. */

/** What a caller of the data layer has to believe about a call that ended. */
export interface Outcome {
  readonly is: "ok" | "failed" | "unknown"
  /** SQLSTATE, errno or the layer's own name of the failure. */
  readonly code?: string | undefined
  /** What the layer says it found out about a COMMIT whose answer was lost. */
  readonly resolution?: "committed" | "aborted" | undefined
}

export interface ContenderOptions {
  readonly url: string
  /** Connections at most. */
  readonly max: number
  /** A caller has an answer after this long, where the layer knows such a thing. */
  readonly deadlineMs: number
  readonly connectTimeoutMs: number
  /** Callers that may wait for a connection, where the layer knows such a limit. */
  readonly maxWaiting: number
  /** Refuse a server without TLS. */
  readonly tls: boolean
  /** Reach the server through Neon's WebSocket proxy at this `host:port/path`, where the layer knows such a thing. */
  readonly neonProxy?: string
}

export interface Row {
  readonly id: string
  readonly worker: number
}

/** What a call is doing; what was interrupted is counted by it. */
export const moments = ["connect", "queue", "send", "stream", "commit"] as const
export type Moment = (typeof moments)[number]

export interface Contender {
  /** One INSERT by itself. */
  readonly insert: (row: Row, signal: AbortSignal) => Promise<unknown>
  /** One INSERT in a transaction. */
  readonly transaction: (row: Row, signal: AbortSignal) => Promise<unknown>
  /** How often the row is there. */
  readonly read: (id: string) => Promise<unknown>
  /** Every row of the table `many`, one by one. */
  readonly stream?: (id: string, signal: AbortSignal) => Promise<unknown>
  /** A statement that takes longer than any caller waits, alone on its connection, with `mark` in its text. */
  readonly sleep?: (mark: string, signal: AbortSignal) => Promise<unknown>
  /** Any text, as a statement of its own on a connection of the pool. */
  readonly statement: (sql: string) => Promise<unknown>
  readonly close: () => Promise<unknown>
  /** What the caller has to believe after this error. */
  readonly outcome: (error: unknown) => Outcome
  /** What the call with this id is doing, when that is certain. */
  readonly moment?: (id: string) => Moment | undefined
  /** Connections, and places in the queue, that callers hold: 0 when nobody is under way. */
  readonly held?: () => number
  /** It ends the work when the signal comes; where it cannot, the workload does not ask for it. */
  readonly interruptible: boolean
}

export const contenderNames = ["ems", "pg", "drizzle-0.45", "postgres.js", "sql-pg+isRetryable", "Bun.SQL"] as const
export type ContenderName = (typeof contenderNames)[number]
export const ours: ContenderName = "ems"

/** The code of a foreign error, or of what caused it. */
export const codeOf = (error: unknown): string => {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 6; depth++) {
    const { cause, code, errno, reason } = at as Readonly<Record<string, unknown>>
    // Bun.SQL keeps the SQLSTATE in `errno`.
    if (typeof errno === "string") return errno
    if (typeof code === "string") return code
    at = cause ?? reason
  }
  return error instanceof Error ? error.name : "unknown"
}

/** For layers that know no fate: their caller sees an error and has to take it for a failure. */
export const believesErrors = (error: unknown): Outcome => ({ is: "failed", code: codeOf(error) })
