/**
 * One statement of a migration: what it is, which locks it takes, and whether it may run in a transaction.
 */
import type { Node } from "libpg-query"
import { createHash } from "node:crypto"
import { commandsOf, detachesConcurrently } from "./alterTableLocks.ts"
import type { Lock } from "./Lock.ts"
import { type LockMode, stronger } from "./LockMode.ts"
import type { ParsedStatement } from "./Parser.ts"
import type { RelationName } from "./RelationName.ts"
import { createsOf, isConcurrentReindex, isOpaque, locksOf } from "./statementLocks.ts"

/**
 * - `together`: in one transaction with its neighbours.
 * - `alone`: in a transaction of its own. VALIDATE CONSTRAINT scans a table, and locks of statements before it would be
 *   held meanwhile; a value of ALTER TYPE ADD VALUE cannot be used in the transaction that adds it.
 * - `outside`: Postgres refuses it in a transaction (25001).
 */
export type Placement = "together" | "alone" | "outside"

export interface Statement extends ParsedStatement {
  /** Place in its migration, from 0. */
  readonly ordinal: number
  /** SHA-256 of its text, in hexadecimal: comments before it do not count. */
  readonly hash: string
  /** As Postgres calls it, such as `CREATE INDEX`. */
  readonly command: string
  readonly placement: Placement
  readonly locks: ReadonlyArray<Lock>
  readonly creates: ReadonlyArray<RelationName>
  /** It may take locks that its text does not tell. */
  readonly isOpaque: boolean
}

const words = (text: string): string => text.replace(/Stmt$/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toUpperCase()

const object = (type: string | undefined): string =>
  (type ?? "").replace("OBJECT_", "").replace("MATVIEW", "MATERIALIZED VIEW").replace("TABCONSTRAINT", "CONSTRAINT")
    .replaceAll("_", " ")

const named: Readonly<Record<string, string>> = {
  IndexStmt: "CREATE INDEX",
  CreateStmt: "CREATE TABLE",
  AlterEnumStmt: "ALTER TYPE",
  CreateEnumStmt: "CREATE TYPE",
  CompositeTypeStmt: "CREATE TYPE",
  CreateTrigStmt: "CREATE TRIGGER",
  CreateSeqStmt: "CREATE SEQUENCE",
  AlterSeqStmt: "ALTER SEQUENCE",
  CreateStatsStmt: "CREATE STATISTICS",
  AlterStatsStmt: "ALTER STATISTICS",
  RefreshMatViewStmt: "REFRESH MATERIALIZED VIEW",
  RuleStmt: "CREATE RULE",
  ViewStmt: "CREATE VIEW",
  VariableSetStmt: "SET",
  CreateFunctionStmt: "CREATE FUNCTION",
  CreatedbStmt: "CREATE DATABASE",
  DropdbStmt: "DROP DATABASE"
}

const commandOf = (node: Node): string => {
  if ("AlterTableStmt" in node) return `ALTER ${object(node.AlterTableStmt.objtype)}`
  if ("DropStmt" in node) return `DROP ${object(node.DropStmt.removeType)}`
  if ("RenameStmt" in node) {
    const { relationType, renameType } = node.RenameStmt
    return `ALTER ${object(renameType === "OBJECT_COLUMN" ? relationType : renameType)}`
  }
  if ("VacuumStmt" in node) return node.VacuumStmt.is_vacuumcmd === true ? "VACUUM" : "ANALYZE"
  if ("GrantStmt" in node) return node.GrantStmt.is_grant === true ? "GRANT" : "REVOKE"
  if ("CreateTableAsStmt" in node) return `CREATE ${object(node.CreateTableAsStmt.objtype)} AS`
  const [tag = ""] = Object.keys(node)
  return named[tag] ?? words(tag)
}

/** Statements that Postgres refuses in a transaction whatever they say. Source: `PreventInTransactionBlock`. */
const neverInside = new Set([
  "AlterSystemStmt",
  "CreatedbStmt",
  "DropdbStmt",
  "CreateTableSpaceStmt",
  "DropTableSpaceStmt",
  "CreateSubscriptionStmt",
  "DropSubscriptionStmt"
])

const placementOf = (node: Node): Placement => {
  if ("IndexStmt" in node) return node.IndexStmt.concurrent === true ? "outside" : "together"
  if ("DropStmt" in node) return node.DropStmt.concurrent === true ? "outside" : "together"
  // Of a partitioned table it is refused as well, which the text does not tell; and run twice it does no harm.
  if ("ReindexStmt" in node) return "outside"
  if ("VacuumStmt" in node) return node.VacuumStmt.is_vacuumcmd === true ? "outside" : "together"
  if ("ClusterStmt" in node) return "outside"
  if ("AlterEnumStmt" in node) return node.AlterEnumStmt.newVal !== undefined ? "alone" : "together"
  if ("AlterTableStmt" in node) {
    const commands = commandsOf(node.AlterTableStmt)
    if (commands.some(detachesConcurrently)) return "outside"
    return commands.some(({ subtype }) => subtype === "AT_ValidateConstraint") ? "alone" : "together"
  }
  return Object.keys(node).some((tag) => neverInside.has(tag)) ? "outside" : "together"
}

export const statementOf = (parsed: ParsedStatement, ordinal: number): Statement => ({
  ...parsed,
  ordinal,
  hash: createHash("sha256").update(parsed.text).digest("hex"),
  command: commandOf(parsed.node),
  placement: placementOf(parsed.node),
  locks: locksOf(parsed.node),
  creates: createsOf(parsed.node),
  isOpaque: isOpaque(parsed.node)
})

/** The strongest lock that its text tells; nothing when it tells none. */
export const strongest = ({ locks }: Pick<Statement, "locks">): LockMode | undefined =>
  locks.length === 0 ? undefined : locks.map(({ mode }) => mode).reduce(stronger)

/** BEGIN, COMMIT, ROLLBACK and their like. */
export const isTransactionControl = ({ node }: Pick<Statement, "node">): boolean => "TransactionStmt" in node

export { isConcurrentReindex }
