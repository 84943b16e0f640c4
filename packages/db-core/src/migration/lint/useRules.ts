/** What programs that run meanwhile still use, and statements that hold everybody up. */
import { manual } from "../../catalog/Finding.ts"
import { stepsOf } from "../run/Steps.ts"
import { holdsUpWriters } from "../statement/LockMode.ts"
import { relationOfWords, wordsOf } from "../statement/RelationName.ts"
import { isVacuumFull, relationsIn } from "../statement/statementLocks.ts"
import { alterations, type Rule, squawk, tableObject, usedBy, usedRelation } from "./Rule.ts"

const runningPrograms = "Programs that run meanwhile, or come back after a rollback, fail"

const dropColumn: Rule = {
  name: "ban-drop-column",
  documentation: squawk("ban-drop-column"),
  check: (linting) =>
    alterations(linting).flatMap(({ cmd, table }) =>
      cmd.subtype !== "AT_DropColumn" ? [] : [{
        object: { kind: "column" as const, name: `${table.name}.${cmd.name}` },
        summary: `The column ${table.name}.${cmd.name} is dropped`,
        impact: runningPrograms,
        rewrite: "-- first release programs that do not name the column, then drop it",
        severity: "warn" as const
      }]
    )
}

const dropTable: Rule = {
  name: "ban-drop-table",
  documentation: squawk("ban-drop-table"),
  check: (linting) => {
    const { node } = linting.statement
    if (!("DropStmt" in node) || node.DropStmt.removeType !== "OBJECT_TABLE") return []
    return (node.DropStmt.objects ?? []).flatMap((object) =>
      ("List" in object ? relationOfWords(wordsOf(object.List.items)) : []).flatMap((each) =>
        usedRelation(each, linting)
      )
    ).map((table) => ({
      object: tableObject(table),
      summary: `The table ${table.name} is dropped with its rows`,
      impact: runningPrograms,
      rewrite: "-- first release programs that do not name the table, then drop it",
      severity: "warn" as const
    }))
  }
}

const rename: Rule = {
  name: "renaming-in-use",
  documentation: squawk("renaming-table"),
  check: (linting) => {
    const { node } = linting.statement
    if (!("RenameStmt" in node)) return []
    const { newname, relation, renameType, subname } = node.RenameStmt
    if (renameType !== "OBJECT_TABLE" && renameType !== "OBJECT_COLUMN") return []
    return usedBy(relation, linting).map((table) => ({
      object: renameType === "OBJECT_TABLE"
        ? tableObject(table)
        : { kind: "column" as const, name: `${table.name}.${subname}` },
      summary: `${renameType === "OBJECT_TABLE" ? table.name : `${table.name}.${subname}`} is renamed to ${newname}`,
      impact: runningPrograms,
      rewrite: renameType === "OBJECT_TABLE"
        ? "-- keep the name as a view of the renamed table until no program uses it"
        : "-- add the new column, write both, move reads, and drop the old one later",
      severity: "warn" as const
    }))
  }
}

/** Rows from which on one UPDATE is better done in batches. Source: strong_migrations' guide backfills in such batches. */
const batch = 10_000

const unbatched: Rule = {
  name: "unbatched-update",
  documentation: "https://github.com/ankane/strong_migrations#backfilling-data",
  check: (linting) => {
    const { node } = linting.statement
    const body = "UpdateStmt" in node ? node.UpdateStmt : "DeleteStmt" in node ? node.DeleteStmt : undefined
    if (body === undefined || body.whereClause !== undefined) return []
    return usedBy(body.relation, linting).filter(({ live }) => (live?.rows ?? batch) >= batch).map((table) => ({
      object: tableObject(table),
      summary: `Every row of ${table.name} is written in one transaction`,
      impact: "Whoever writes one of its rows waits until all are written, and VACUUM comes no further meanwhile",
      rewrite: "-- write a few thousand rows at a time, each in a transaction of its own, outside of the migration"
    }))
  }
}

const exclusive: Rule = {
  name: "long-access-exclusive",
  documentation: manual("explicit-locking.html#LOCKING-TABLES"),
  check: (linting) => {
    const { node, text } = linting.statement
    const [what, ranges] = "VacuumStmt" in node && isVacuumFull(node.VacuumStmt)
      ? ["VACUUM FULL", relationsIn(node.VacuumStmt.rels)] as const
      : "ClusterStmt" in node
      ? ["CLUSTER", relationsIn(node.ClusterStmt.relation)] as const
      : "RefreshMatViewStmt" in node && node.RefreshMatViewStmt.concurrent !== true
      ? ["REFRESH MATERIALIZED VIEW", relationsIn(node.RefreshMatViewStmt.relation)] as const
      : ["", []] as const
    return ranges.flatMap((range) => usedRelation(range, linting)).map((table) => ({
      object: tableObject(table),
      summary: `${what} holds ACCESS EXCLUSIVE on ${table.name} until all of it is written`,
      impact: "Every read and write of it waits that long",
      rewrite: what.startsWith("REFRESH") ? `${text.replace(/\bview\b/i, "$& concurrently")};` : null
    }))
  }
}

const heldOver: Rule = {
  name: "lock-held-over-slow-statement",
  documentation: manual("explicit-locking.html#LOCKING-TABLES"),
  check: (linting) => {
    const { migration, pending, statement } = linting
    const { node } = statement
    const isSlow = "UpdateStmt" in node || "DeleteStmt" in node || "DoStmt" in node || "MergeStmt" in node ||
      ("InsertStmt" in node && relationsIn(node.InsertStmt.selectStmt).length > 0)
    if (!isSlow) return []
    const step = stepsOf(migration.statements).find(({ statements }) => statements.includes(statement))
    const before = step?.statements.slice(0, step.statements.indexOf(statement)) ?? []
    const held = before.flatMap((each) =>
      each.locks.filter(({ mode, on }) => on === "relation" && holdsUpWriters(mode)).flatMap(({ mode, relation }) =>
        usedRelation(relation, { ...linting, statement: each }).map((table) => ({ mode, table }))
      )
    ).find(({ table }) => !pending.isNew(table.relation, statement))
    return held === undefined ? [] : [{
      object: tableObject(held.table),
      summary: `${held.table.name} stays locked (${held.mode}) by a statement before this one while rows are written`,
      impact: "Whoever needs the table waits until the transaction ends",
      rewrite: "-- put what writes rows into a migration of its own"
    }]
  }
}

export const useRules: ReadonlyArray<Rule> = [dropColumn, dropTable, rename, unbatched, exclusive, heldOver]
