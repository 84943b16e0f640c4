/** Indexes that are made, dropped or rebuilt while their table is in use. */
import { manual } from "../../catalog/Finding.ts"
import { relationOf, relationOfWords, wordsOf } from "../statement/RelationName.ts"
import { isConcurrentReindex } from "../statement/Statement.ts"
import { type Rule, squawk, tableObject, usedBy, usedRelation } from "./Rule.ts"

/** Puts CONCURRENTLY behind the word it belongs to. */
const concurrently = (text: string, word: RegExp): string => `${text.replace(word, "$& concurrently")};`

const creation: Rule = {
  name: "require-concurrent-index-creation",
  documentation: squawk("require-concurrent-index-creation"),
  check: (linting) => {
    const { node, text } = linting.statement
    if (!("IndexStmt" in node) || node.IndexStmt.concurrent === true) return []
    return usedBy(node.IndexStmt.relation, linting).map((table) => ({
      object: tableObject(table),
      summary: `CREATE INDEX locks ${table.name} (SHARE) until the index is built`,
      impact: "Every write of the table waits that long",
      rewrite: concurrently(text, /\bindex\b/i)
    }))
  }
}

const deletion: Rule = {
  name: "require-concurrent-index-deletion",
  documentation: squawk("require-concurrent-index-deletion"),
  check: (linting) => {
    const { node, text } = linting.statement
    if (!("DropStmt" in node) || node.DropStmt.removeType !== "OBJECT_INDEX" || node.DropStmt.concurrent === true) {
      return []
    }
    return (node.DropStmt.objects ?? []).flatMap((object) => {
      const relations = "List" in object ? relationOfWords(wordsOf(object.List.items)) : []
      return relations.flatMap((relation) => usedRelation(relation, linting)).map((table) => ({
        object: tableObject(table),
        summary: `DROP INDEX locks ${table.name} (ACCESS EXCLUSIVE)`,
        impact: "It waits for every open transaction on the table, and everybody else behind it",
        rewrite: concurrently(text, /\bindex\b/i)
      }))
    })
  }
}

const rebuild: Rule = {
  name: "require-concurrent-reindex",
  documentation: manual("sql-reindex.html#SQL-REINDEX-CONCURRENTLY"),
  check: (linting) => {
    const { node, text } = linting.statement
    if (!("ReindexStmt" in node) || isConcurrentReindex(node.ReindexStmt)) return []
    return relationOf(node.ReindexStmt.relation).flatMap((relation) => usedRelation(relation, linting)).map((
      table
    ) => ({
      object: tableObject(table),
      summary: `REINDEX locks ${table.name} (SHARE) and the index (ACCESS EXCLUSIVE) until it is rebuilt`,
      impact: "Every write of the table waits that long, and every query that would use the index",
      rewrite: concurrently(text, /\b(index|table|schema|database)\b/i)
    }))
  }
}

export const indexRules: ReadonlyArray<Rule> = [creation, deletion, rebuild]
