/**
 * Which table locks wait for which.
 *
 * Source: `src/backend/storage/lmgr/lock.c`, `LockConflicts`; PostgreSQL documentation, "Conflicting Lock Modes".
 */

/** Weakest first, as `pg_locks` spells them without `Lock`. */
export const lockModes = [
  "AccessShare",
  "RowShare",
  "RowExclusive",
  "ShareUpdateExclusive",
  "Share",
  "ShareRowExclusive",
  "Exclusive",
  "AccessExclusive"
] as const

export type TableLockMode = (typeof lockModes)[number]

/** Of each mode, in that order: the positions of those that it conflicts with. */
const conflicts: { readonly [M in TableLockMode]: ReadonlyArray<number> } = {
  AccessShare: [7],
  RowShare: [6, 7],
  RowExclusive: [4, 5, 6, 7],
  ShareUpdateExclusive: [3, 4, 5, 6, 7],
  Share: [2, 3, 5, 6, 7],
  ShareRowExclusive: [2, 3, 4, 5, 6, 7],
  Exclusive: [1, 2, 3, 4, 5, 6, 7],
  AccessExclusive: [0, 1, 2, 3, 4, 5, 6, 7]
}

/** The modes that one of `mode` waits for, as literals of `pg_locks.mode`. */
export const conflictingWith = (mode: TableLockMode): ReadonlyArray<string> =>
  conflicts[mode].map((at) => `'${lockModes[at]}Lock'`)
