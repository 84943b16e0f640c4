/**
 * A rule of the migration lint: what it looks for in a statement, and what to write instead.
 *
 * Names are squawk's where it has the rule (squawkhq.com/docs/rules). Unlike it these look at the database: a table that
 * the same run makes, or that is empty, may be locked as one likes.
 */
import type { AlterTableCmd, RangeVar } from "libpg-query"
import type { FindingObject, Severity } from "../../catalog/Finding.ts"
import type { LiveTable } from "../LiveTables.ts"
import type { Migration } from "../MigrationFiles.ts"
import type { Pending } from "../Pending.ts"
import { commandsOf } from "../statement/alterTableLocks.ts"
import { display, type RelationName, relationOf, sqlOf } from "../statement/RelationName.ts"
import type { Statement } from "../statement/Statement.ts"

/** What a rule found in a statement. */
export interface Flaw {
  readonly object: FindingObject
  /** One sentence. */
  readonly summary: string
  /** What follows for those who use the database meanwhile. */
  readonly impact: string
  /** What to write instead; null where there is nothing to write. */
  readonly rewrite: string | null
  /** Default: by the size of the table. */
  readonly severity?: Severity
}

export interface Linting {
  readonly pending: Pending
  readonly migration: Migration
  readonly statement: Statement
}

export interface Rule {
  readonly name: string
  readonly documentation: string
  readonly check: (linting: Linting) => ReadonlyArray<Flaw>
}

/** A relation that others use: neither made by this run nor empty. */
export interface Used {
  readonly relation: RelationName
  /** As `schema.name` where the database knows it. */
  readonly name: string
  /** Nothing where the database does not know it: a pending statement may have renamed it. */
  readonly live: LiveTable | undefined
}

export const usedBy = (range: RangeVar | undefined, linting: Linting): ReadonlyArray<Used> =>
  relationOf(range).flatMap((relation) => usedRelation(relation, linting))

export const usedRelation = (relation: RelationName, { pending, statement }: Linting): ReadonlyArray<Used> => {
  const live = pending.live(relation)
  if (pending.isNew(relation, statement) || live?.isEmpty === true) return []
  return [{ relation, name: live?.name ?? display(relation), live }]
}

/** Forms of ALTER TABLE on a table that is used. */
export const alterations = (
  linting: Linting
): ReadonlyArray<{ readonly cmd: AlterTableCmd; readonly table: Used }> => {
  const { node } = linting.statement
  if (!("AlterTableStmt" in node) || (node.AlterTableStmt.objtype ?? "OBJECT_TABLE") !== "OBJECT_TABLE") return []
  const { AlterTableStmt: body } = node
  return usedBy(body.relation, linting).flatMap((table) => commandsOf(body).map((cmd) => ({ cmd, table })))
}

export const tableObject = ({ name }: Used): FindingObject => ({ kind: "table", name })

/** A page of squawk's documentation. */
export const squawk = (rule: string): string => `https://squawkhq.com/docs/${rule}`

/** The table as the statement has it, quoted. */
export const sqlName = ({ relation }: Used): string => sqlOf(relation)
