/**
 * One connection and what the pool knows about it.
 */
import type { Session } from "../../driver/Session.ts"
import type { Holder } from "./Holder.ts"

/**
 * Why a connection was closed.
 * - `idle`, `lifetime`, `uses`: the bounds of the settings.
 * - `dirty`: given back in a transaction, or with settings, locks or temporary tables of its caller.
 * - `interrupted`: its caller went away in the middle of a statement.
 * - `lost`: the server or the network closed it.
 * - `dead`: it did not answer after a pause.
 * - `failover`: the server behind it is not the primary any more.
 * - `shutdown`: the pool was closed.
 */
export type CloseReason =
  | "idle"
  | "lifetime"
  | "uses"
  | "dirty"
  | "interrupted"
  | "lost"
  | "dead"
  | "failover"
  | "shutdown"

/** Closed with a goodbye; after the others nothing more is to be said. */
export const isOrderly: { readonly [Reason in CloseReason]: boolean } = {
  idle: true,
  lifetime: true,
  uses: true,
  failover: true,
  shutdown: true,
  dirty: false,
  interrupted: false,
  lost: false,
  dead: false
}

export interface Bounds {
  /** Uses after which a connection is replaced. */
  readonly poolMaxUses: number
}

export class Entry {
  readonly session: Session
  state: "idle" | "probing" | "shared" | "exclusive" | "closing" = "idle"
  /** Statements in flight, on the shared lane. */
  depth = 0
  uses = 0
  idleSince: number
  /** When it was last known to answer. */
  heardAt: number
  /** `Session.heard` at that time. */
  private heard: number
  readonly expiresAt: number
  /** Takes no new statement; becomes idle when the last one is done. */
  isDraining = false
  /** Callers left before the answers to their shared statements: they are still on their way. */
  isOwing = false
  /** Closed as soon as nobody uses it: its server is not the primary any more. */
  isRetired = false
  /** When a shared statement last finished, or the first one began. */
  progressAt = 0
  /** Who has it alone. */
  holder: Holder | undefined = undefined

  constructor(session: Session, now: number, expiresAt: number) {
    this.session = session
    this.idleSince = now
    this.heardAt = now
    this.heard = session.heard
    this.expiresAt = expiresAt
  }

  /** Nobody uses it any more, and somebody may. */
  rest(now: number): void {
    this.state = "idle"
    this.isDraining = false
    this.isOwing = false
    this.idleSince = now
    // A caller that gave up waiting proves nothing.
    if (this.session.heard === this.heard) return
    this.heard = this.session.heard
    this.heardAt = now
  }

  /** Why it must not be lent again, if there is a reason. */
  unfit(bounds: Bounds, now: number): CloseReason | undefined {
    if (this.session.isLost) return "lost"
    if (this.session.status !== "I" || this.session.isTainted) return "dirty"
    if (this.isRetired) return "failover"
    if (this.uses >= bounds.poolMaxUses) return "uses"
    if (now >= this.expiresAt) return "lifetime"
    return undefined
  }
}
