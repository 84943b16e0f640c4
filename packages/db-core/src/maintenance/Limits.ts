/** How long maintenance waits for others before it gives way. */

export interface Limits {
  /**
   * Waiting for one lock, and before that for the transactions that are in the way. Milliseconds, default 30,000.
   * Whoever waits for these locks holds up neither readers nor writers, so it can be long.
   */
  readonly lockTimeout: number
  /** The same for VACUUM FULL, behind which readers and writers queue. Milliseconds, default 1,000. */
  readonly exclusiveLockTimeout: number
  /** Attempts at a step before it fails with `LockTimeout`, from 1. Default 5. */
  readonly attempts: number
  /** Before the second attempt; doubles with each, with jitter, up to 10 s. Milliseconds, default 500. */
  readonly retryDelay: number
  /** Removing what a failed build left. Milliseconds, default 10,000. */
  readonly cleanupTimeout: number
}

export const defaultLimits: Limits = {
  lockTimeout: 30_000,
  exclusiveLockTimeout: 1000,
  attempts: 5,
  retryDelay: 500,
  cleanupTimeout: 10_000
}
