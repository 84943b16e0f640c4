/** What a test can make the Neon stand-in do. A mutable record: change it while connections are open. */
export interface NeonFault {
  /** Answers the WebSocket upgrade with this HTTP status, e.g. 503 or 429; 0 for none. */
  refuseUpgrade: number
  /** Answers the startup message with this error; Neon's are `XX000` of severity `ERROR`. */
  startupError: { readonly message: string; readonly code?: string; readonly severity?: string } | undefined
  /** Waits this long after the password before it connects to Postgres, as when a compute wakes up. */
  coldStartMs: number
  /** Accepts the WebSocket and never says a word. */
  blackhole: boolean
  /** Delays what Postgres says. */
  latencyMs: number
  /** Holds everything back in both directions, sockets stay open; the rest follows when it is unset. */
  freeze: boolean
  /** Cuts the connection instead of delivering a CommandComplete that begins with this, e.g. `COMMIT`. */
  cutOnCommandTag: string | undefined
}

export const noFault = (): NeonFault => ({
  refuseUpgrade: 0,
  startupError: undefined,
  coldStartMs: 0,
  blackhole: false,
  latencyMs: 0,
  freeze: false,
  cutOnCommandTag: undefined
})

export interface NeonStats {
  /** WebSockets accepted. */
  accepted: number
  /** WebSockets open now. */
  open: number
  cancelRequests: number
  bytesUp: number
  bytesDown: number
  /** The startup parameters of each session, as the client sent them. */
  startups: Array<Readonly<Record<string, string>>>
}

export const noStats = (): NeonStats => ({
  accepted: 0,
  open: 0,
  cancelRequests: 0,
  bytesUp: 0,
  bytesDown: 0,
  startups: []
})
