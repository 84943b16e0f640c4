/**
 * A table lock that a statement takes, as far as its text says: whose index a name is, and which tables a constraint
 * leads to, only the database knows.
 */
import type { LockMode } from "./LockMode.ts"
import { display, type RelationName } from "./RelationName.ts"

export interface Lock {
  readonly mode: LockMode
  readonly relation: RelationName
  /**
   * - `relation`: on what the name means.
   * - `table`: the name is an index's, or may be; the lock is on its table.
   * - `referenced`: on the tables that foreign keys of the relation refer to: all of them, or those of `constraint`
   *   or `column`.
   */
  readonly on: "relation" | "table" | "referenced"
  readonly constraint?: string
  readonly column?: string
}

export const lock = (mode: LockMode, relations: ReadonlyArray<RelationName>): ReadonlyArray<Lock> =>
  relations.map((relation) => ({ mode, relation, on: "relation" as const }))

export const tableOf = (mode: LockMode, indexes: ReadonlyArray<RelationName>): ReadonlyArray<Lock> =>
  indexes.map((relation) => ({ mode, relation, on: "table" as const }))

export const referenced = (
  mode: LockMode,
  relations: ReadonlyArray<RelationName>,
  by: Pick<Lock, "constraint" | "column"> = {}
): ReadonlyArray<Lock> => relations.map((relation) => ({ mode, relation, on: "referenced" as const, ...by }))

/** For plans: `public.users (referenced)`. */
export const lockName = ({ on, relation }: Lock): string =>
  on === "relation"
    ? display(relation)
    : on === "table"
    ? `table of ${display(relation)}`
    : `${display(relation)}, referenced`
