/**
 * What a statement reads and writes, and whether its answer can be cached. The tables are those that Postgres locks
 * when it parses the text: builders, relational queries, views and raw SQL are all the same to it.
 */
import type { Model, Relation } from "./Model.ts"
import { mayCallForeign, verdictOf } from "./Names.ts"
import type { Table, Tables, WriteSet } from "./Tables.ts"

/** Why an answer was not taken from the cache, or not put there. */
export type Bypass =
  /** Inside a transaction, which may have written and sees its own snapshot. */
  | "transaction"
  /** The cache is switched off. */
  | "disabled"
  /** It cannot be known now whether an answer is fresh enough. */
  | "feed"
  /** Without the change log only the time bounds an answer, and the call gives none. */
  | "ttl_required"
  /** Without the change log nothing but the time can be promised. */
  | "consistency"
  /** Postgres could not parse it without its parameters, or definitions kept changing. */
  | "undecided"
  /** It reads no table. */
  | "no_table"
  /** It writes, or locks rows. */
  | "writes"
  /** A table whose writes are not in the change log. */
  | "untracked"
  /** A foreign table, a materialized view, a sequence, a temporary table. */
  | "relation"
  | "catalog"
  /** Row security that depends on something which the call does not name in `scope`. */
  | "row_security"
  /** Its answer depends on the time, or on chance. */
  | "volatile"
  /** Its answer depends on who asks. */
  | "session"
  /** A function that may read tables, and the call names none. */
  | "user_function"
  /** It may be read in two ways. */
  | "ambiguous"
  /** A parameter without an exact text, or one that stands for the time. */
  | "parameters"
  /** A function whose query cannot be seen. */
  | "opaque"

/** A relation that Postgres locked while parsing. */
export interface Lock {
  readonly oid: number
  readonly mode: string
  readonly catalog: boolean
}

export type Reading =
  | { readonly tables: ReadonlyArray<Table>; readonly names: ReadonlyArray<string>; readonly settings: boolean }
  | { readonly bypass: Bypass }

export interface Analysis {
  readonly reading: Reading
  /** What it may write; empty when it only reads. */
  readonly writing: WriteSet
}

/** What a call says of its own. */
export interface Declared {
  /** Read besides those that Postgres names. */
  readonly tables: ReadonlyArray<string>
  /** Names of settings that are the same whenever it runs with the same key. */
  readonly settings: ReadonlyArray<string>
}

/** Policies read the settings that are declared, and nothing else that may change. */
const isCovered = (policies: string, settings: ReadonlyArray<string>, model: Model): boolean => {
  const read = [...policies.matchAll(/current_setting\(\s*'([^']+)'/gi)].map(([, name]) => name!.toLowerCase())
  const declared = new Set(settings.map((name) => name.toLowerCase()))
  if (!read.every((name) => declared.has(name))) return false
  const rest = policies
    .replaceAll(/current_setting\(\s*'[^']+'(?:::text)?\s*(?:,\s*(?:true|false))?\s*\)/gi, "1")
    .replaceAll(/\b(?:current_user|session_user)\b/gi, "1")
  // A policy that looks into other tables is locked with the query and found there.
  return verdictOf(rest, model.functions, false) === undefined
}

/** What about a table keeps every answer from it out of the cache, whatever the query. */
export const unfit = (relation: Relation, needsLog: boolean): Bypass | undefined => {
  if (relation.kind !== "r" && relation.kind !== "p") return "relation"
  if (needsLog && (!relation.tracked || relation.subscribed)) return "untracked"
  return relation.rowSecurity ? "row_security" : undefined
}

/** All that a statement is judged by. */
export interface Evidence {
  readonly sql: string
  readonly locks: ReadonlyArray<Lock>
  readonly declared: Declared
  readonly model: Model
  readonly tables: Tables
  /** Whether only tables under the change log count. */
  readonly needsLog: boolean
}

const readingOf = ({ declared, locks, model, needsLog, sql, tables }: Evidence): Reading => {
  if (locks.some(({ mode }) => mode !== "AccessShareLock")) return { bypass: "writes" }
  if (locks.some(({ catalog }) => catalog)) return { bypass: "catalog" }
  const mayCallFunctions = declared.tables.length > 0
  const verdict = verdictOf(sql, model.functions, mayCallFunctions)
  if (verdict !== undefined) return { bypass: verdict }
  const found = new Map<number, Relation>()
  for (const name of declared.tables) {
    const relation = model.named(name)
    if (relation === undefined) return { bypass: "undecided" }
    for (const member of model.family(relation.oid)) found.set(member.oid, member)
  }
  for (const { oid } of locks) {
    const relation = model.relations.get(oid)
    // Temporary, or made since the definitions were loaded.
    if (relation === undefined) return { bypass: "relation" }
    if (relation.definition !== undefined) {
      const inside = verdictOf(relation.definition, model.functions, mayCallFunctions)
      if (inside !== undefined) return { bypass: inside }
      continue
    }
    for (const member of model.family(oid)) found.set(member.oid, member)
  }
  if (found.size === 0) return { bypass: "no_table" }
  let settings = false
  for (const relation of found.values()) {
    const why = unfit(relation, needsLog)
    if (why === undefined) continue
    if (why !== "row_security") return { bypass: why }
    if (declared.settings.length === 0 || !isCovered(relation.policies, declared.settings, model)) {
      return { bypass: why }
    }
    settings = true
  }
  return {
    tables: [...found.keys()].map((oid) => tables.of(oid)),
    names: [...found.values()].map(({ name }) => name),
    settings
  }
}

const readers: ReadonlySet<string> = new Set(["AccessShareLock", "RowShareLock"])

const writingOf = ({ locks, model, sql, tables }: Evidence): WriteSet => {
  // A function of a user may write anything; Postgres's own write no table.
  if (mayCallForeign(sql, model.functions)) return "all"
  const targets: Array<number> = []
  for (const { mode, oid } of locks) {
    const relation = model.relations.get(oid)
    if (relation?.definition === undefined) {
      if (!readers.has(mode)) targets.push(oid)
    } else if (mayCallForeign(relation.definition, model.functions)) return "all"
    // What is done instead of writing to a view.
    else if (!readers.has(mode) && relation.triggers) return "all"
  }
  return model.written(targets, tables)
}

export const analyze = (evidence: Evidence): Analysis => ({
  reading: readingOf(evidence),
  writing: writingOf(evidence)
})
