/**
 * Postgres's eight table locks, weakest first, and what they hold up.
 *
 * Source: PostgreSQL documentation, 13.3.1 "Table-Level Locks".
 */

export const lockModes = [
  "ACCESS SHARE",
  "ROW SHARE",
  "ROW EXCLUSIVE",
  "SHARE UPDATE EXCLUSIVE",
  "SHARE",
  "SHARE ROW EXCLUSIVE",
  "EXCLUSIVE",
  "ACCESS EXCLUSIVE"
] as const

export type LockMode = (typeof lockModes)[number]

/** 1 for the weakest, as Postgres numbers them. */
export const strength = (mode: LockMode): number => lockModes.indexOf(mode) + 1

export const stronger = (a: LockMode, b: LockMode): LockMode => strength(a) >= strength(b) ? a : b

/** Of the number that LOCK TABLE is parsed into. */
export const lockModeOf = (number: number): LockMode => lockModes[number - 1] ?? "ACCESS EXCLUSIVE"

/**
 * Whether somebody who only reads and writes rows may have to wait: behind the lock, or in the queue behind whoever
 * waits for it. What is weaker holds up other DDL and VACUUM alone.
 */
export const holdsUpWriters = (mode: LockMode): boolean => strength(mode) > strength("SHARE UPDATE EXCLUSIVE")

export const holdsUpReaders = (mode: LockMode): boolean => mode === "ACCESS EXCLUSIVE"
