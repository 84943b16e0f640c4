/**
 * What each kind of backend can do. Code asks this table instead of asking which product it talks to.
 */
import type { Target } from "../config/DbUrl.ts"

export type Backend = "direct" | "pooler" | "embedded"

export interface Capabilities {
  readonly backend: Backend
  /** Statements may be prepared by name at the protocol level. */
  readonly prepared: boolean
  /** LISTEN delivers notifications. */
  readonly listen: boolean
  /** Settings given in the startup packet's `options` are in force. */
  readonly startupOptions: boolean
  /** SET, session advisory locks, temporary tables and cursors WITH HOLD stay with this client. */
  readonly sessionState: boolean
  /** CREATE INDEX CONCURRENTLY, VACUUM and other statements outside a transaction. */
  readonly concurrently: boolean
  /** A running statement can be cancelled. */
  readonly cancel: boolean
  /** Sessions at once, at most; `undefined` leaves it to the pool's own bound. */
  readonly maxSessions: number | undefined
}

export const capabilities: Readonly<Record<Backend, Capabilities>> = {
  direct: {
    backend: "direct",
    startupOptions: true,
    prepared: true,
    listen: true,
    sessionState: true,
    concurrently: true,
    cancel: true,
    maxSessions: undefined
  },
  // PgBouncer in transaction mode: LISTEN is accepted and never delivers, SET leaks to other clients. Statements
  // prepared by name work from PgBouncer 1.21 on only, and older ones answer 26000 at random, so they are off.
  pooler: {
    backend: "pooler",
    startupOptions: false,
    prepared: false,
    listen: false,
    sessionState: false,
    concurrently: false,
    cancel: true,
    maxSessions: undefined
  },
  embedded: {
    backend: "embedded",
    startupOptions: false,
    prepared: true,
    listen: true,
    sessionState: true,
    concurrently: true,
    cancel: false,
    maxSessions: 1
  }
}

export const capabilitiesOf = (target: Target): Capabilities =>
  capabilities[target.kind === "embedded" ? "embedded" : target.pooled ? "pooler" : "direct"]
