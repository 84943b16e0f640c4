/**
 * What one seed does, as a plain list: settings, operations and faults. Shrinking it is leaving things out.
 */

/** The server's refusal of a statement: SQLSTATE and text. */
export interface Words {
  readonly code: string
  readonly text: string
}

interface Common {
  /** Which of the callers does it; each does its own in order. */
  readonly caller: number
  /** Before it begins. Milliseconds. */
  readonly pause: number
  /** The call's own limit, instead of the usual one. Milliseconds. */
  readonly timeout?: number
  /** The caller is interrupted this long after the beginning. Milliseconds. */
  readonly interrupt?: number
}

/** The table's trigger refuses the row at once, or a deferred one when the transaction commits. */
export interface Doom {
  readonly when: "now" | "commit"
  readonly code: string
}

export type Operation =
  & Common
  & (
    /** A lone INSERT with `query`, with `write`, or inside a function that looks like a read. */
    | { readonly kind: "insert" | "write" | "disguised"; readonly doom?: Doom }
    | {
      readonly kind: "transaction"
      readonly inserts: number
      readonly retry: boolean
      /** The body fails at its end. */
      readonly fails: boolean
      /** The body goes on after a statement of its own failed, so that COMMIT finds a failed transaction. */
      readonly careless: boolean
      /** Between its statements. Milliseconds. */
      readonly idle: number
      /** One more INSERT in a savepoint, kept or undone. */
      readonly nested?: "kept" | "undone"
      readonly doom?: Doom
    }
    /** Looks for the rows of an earlier operation. */
    | { readonly kind: "read"; readonly of: number; readonly alone: boolean }
    | { readonly kind: "stream" | "health" }
  )

/** What a fault waits for. `any` is every statement. */
export type Moment =
  | "any"
  | "begin"
  | "insert"
  | "mark"
  | "commit"
  | "status"
  | "read"
  | "connect"
  | "cancel"

type Effects =
  /** Only so many messages, and bytes of the next one, arrive; then the connection is gone. */
  | {
    readonly kind: "cutRequest" | "cutReply"
    readonly messages: number
    readonly bytes: number
    readonly how: "end" | "reset"
  }
  | { readonly kind: "delayRequest" | "delayReply" | "slow" | "connectSlow" | "cancelLate"; readonly ms: number }
  /** From here on nothing arrives any more, and nobody is told. */
  | { readonly kind: "loseRequest" | "loseReply" }
  | { readonly kind: "refuse" | "connectFatal"; readonly words: Words }
  /** The backend ends, before or after it has executed the statement. */
  | { readonly kind: "fatal"; readonly words: Words; readonly executed: boolean }
  /** The client loses the connection; what it sent is executed later. */
  | { readonly kind: "strand"; readonly ms: number }
  | { readonly kind: "slice"; readonly pieces: number }
  | { readonly kind: "garbage" | "connectRefused" | "connectHang" | "connectCut" | "cancelLost" }
  /** All backends end, politely or not, and no new one comes for so long. */
  | { readonly kind: "restart" | "crash"; readonly ms: number }

export type Fault = { readonly on: Moment; readonly nth: number } & Effects
export type FaultKind = Fault["kind"]

export interface Settings {
  /** A pooler's sessions keep no settings and prepare no statements. */
  readonly backend: "direct" | "pooler"
  readonly poolMax: number
  readonly sharedDepth: number
  readonly queryTimeout: number
  readonly acquireTimeout: number
  readonly connectTimeout: number
  readonly resolveTimeout: number
  readonly idleTimeout: number
  readonly maxUses: number
  /** Of one way over the network, at most. Milliseconds. */
  readonly latency: number
}

export interface Scenario {
  readonly seed: number
  readonly settings: Settings
  readonly operations: ReadonlyArray<Operation>
  readonly faults: ReadonlyArray<Fault>
}
