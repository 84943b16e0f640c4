/**
 * What an answer in the second level says of itself: what its query is known to have seen. Readers decide by it alone,
 * so an answer that comes late, from a process that knew little or from another history is useless, never wrong.
 */
import type { Snapshot } from "../Snapshot.ts"

export interface Proof {
  /** Which life of the change log, on which server and history, under which definitions and settings of roles. */
  readonly world: string
  /** Of the last poll before its query was sent: the query saw all that this one sees, and maybe more. */
  readonly snapshot: string
}

/** Why an answer from the second level was not used. */
export type Rejection =
  /** The change log began anew, definitions changed, or it is another server. */
  | "world"
  /** It is older than what this process can tell changes since. */
  | "horizon"
  /** A change of one of its tables is known that it may lack. */
  | "changed"
  /** Somebody invalidated its table or tag here, and it may be from before. */
  | "invalidated"
  /** While it was fetched a write began here, or definitions changed. */
  | "overtaken"
  /** It is as old as the call allows. */
  | "expired"
  /** No answer of ours, damaged, or that of another key. */
  | "garbled"

/** Whether whoever saw `later` saw everything that `earlier` sees. Exact for two snapshots of one history. */
export const covers = (later: Snapshot, earlier: Snapshot): boolean =>
  later.xmax >= earlier.xmax &&
  later.running.every((xid) => BigInt(xid) >= earlier.xmax || earlier.running.includes(xid))
