/**
 * The table locks of each kind of statement, and the tables that it creates, on which any lock is fine.
 *
 * Source: PostgreSQL documentation, 13.3.1 "Table-Level Locks" and the page of each command; compared with `pg_locks`
 * on 15 and 18 by this package's tests. What a DO block, a function or a trigger does cannot be read from the text.
 * GRANT takes ACCESS SHARE on some versions and nothing on others, and holds up nobody.
 */
import type { Node } from "libpg-query"
import { alterTableLocks } from "./alterTableLocks.ts"
import { type Lock, lock, referenced, tableOf } from "./Lock.ts"
import { type LockMode, lockModeOf } from "./LockMode.ts"
import { isSame, type RelationName, relationOf, relationOfWords, wordsOf } from "./RelationName.ts"

/** What a node of this tag holds. */
export type Body<Tag extends string> = Extract<Node, Readonly<Record<Tag, unknown>>> extends
  Readonly<Record<Tag, infer B>> ? B
  : never

type Reader = (body: never) => ReadonlyArray<Lock>

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Every relation named anywhere below, without names that WITH gives. */
export const relationsIn = (tree: unknown): ReadonlyArray<RelationName> => {
  const found: Array<RelationName> = []
  const given = new Set<string>()
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) { for (const each of value) walk(each) }
    if (!isRecord(value) || Array.isArray(value)) return
    if (typeof value["ctename"] === "string") given.add(value["ctename"])
    if (typeof value["relname"] === "string") {
      found.push({
        schema: typeof value["schemaname"] === "string" ? value["schemaname"] : undefined,
        name: value["relname"]
      })
    }
    for (const each of Object.values(value)) walk(each)
  }
  walk(tree)
  return found.filter(({ name, schema }) => schema !== undefined || !given.has(name))
}

/** Last words of the names of functions that are called anywhere below. */
export const functionsIn = (tree: unknown): ReadonlyArray<string> => {
  const found: Array<string> = []
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) { for (const each of value) walk(each) }
    else if (isRecord(value)) {
      const { FuncCall: call } = value
      // A cast: that is what a node of this tag holds.
      const words = isRecord(call) ? wordsOf(call["funcname"] as ReadonlyArray<Node>) : []
      found.push(...words.slice(-1))
      for (const each of Object.values(value)) walk(each)
    }
  }
  walk(tree)
  return found
}

const reads = (tree: unknown): ReadonlyArray<Lock> => lock("ACCESS SHARE", relationsIn(tree))

/** What a statement that writes to one table reads besides it. */
const writes = (body: { readonly relation?: Parameters<typeof relationOf>[0] }): ReadonlyArray<Lock> => {
  const target = relationOf(body.relation)
  const isTarget = (relation: RelationName) => target.some((each) => isSame(each, relation))
  return [...lock("ROW EXCLUSIVE", target), ...reads(body).filter(({ relation }) => !isTarget(relation))]
}

const hasOption = (options: ReadonlyArray<Node> | undefined, name: string): boolean =>
  (options ?? []).some((option) => {
    if (!("DefElem" in option) || option.DefElem.defname !== name) return false
    const { arg } = option.DefElem
    if (arg === undefined) return true
    // `VACUUM (FULL off)`
    const text = "String" in arg ? arg.String.sval : "Boolean" in arg ? String(arg.Boolean.boolval === true) : "true"
    return text !== "off" && text !== "false" && text !== "0"
  })

export const isConcurrentReindex = ({ params }: Body<"ReindexStmt">): boolean => hasOption(params, "concurrently")
export const isVacuumFull = ({ options }: Body<"VacuumStmt">): boolean => hasOption(options, "full")

/** Whose name is in a list of words, with the last words naming something on it. */
const objects = (body: Body<"DropStmt">, beyond = 0): ReadonlyArray<RelationName> =>
  (body.objects ?? []).flatMap((object) => "List" in object ? relationOfWords(wordsOf(object.List.items), beyond) : [])

const dropLocks = (body: Body<"DropStmt">): ReadonlyArray<Lock> => {
  switch (body.removeType) {
    case "OBJECT_TABLE":
    case "OBJECT_FOREIGN_TABLE":
      return [...lock("ACCESS EXCLUSIVE", objects(body)), ...referenced("ACCESS EXCLUSIVE", objects(body))]
    case "OBJECT_VIEW":
    case "OBJECT_MATVIEW":
    case "OBJECT_SEQUENCE":
      return lock("ACCESS EXCLUSIVE", objects(body))
    case "OBJECT_INDEX": {
      const mode: LockMode = body.concurrent === true ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE"
      return [...lock(mode, objects(body)), ...tableOf(mode, objects(body))]
    }
    case "OBJECT_TRIGGER":
    case "OBJECT_RULE":
    case "OBJECT_POLICY":
      return lock("ACCESS EXCLUSIVE", objects(body, 1))
    default:
      return []
  }
}

const commentLocks = ({ object, objtype }: Body<"CommentStmt">): ReadonlyArray<Lock> => {
  const words = object !== undefined && "List" in object ? wordsOf(object.List.items) : []
  switch (objtype) {
    case "OBJECT_TABLE":
    case "OBJECT_VIEW":
    case "OBJECT_MATVIEW":
    case "OBJECT_INDEX":
    case "OBJECT_SEQUENCE":
      return lock("SHARE UPDATE EXCLUSIVE", relationOfWords(words))
    case "OBJECT_COLUMN":
    case "OBJECT_TABCONSTRAINT":
    case "OBJECT_TRIGGER":
    case "OBJECT_RULE":
    case "OBJECT_POLICY":
      return lock(objtype === "OBJECT_COLUMN" ? "SHARE UPDATE EXCLUSIVE" : "ACCESS SHARE", relationOfWords(words, 1))
    default:
      return []
  }
}

const createLocks = (body: Body<"CreateStmt">): ReadonlyArray<Lock> => {
  const parents = (body.inhRelations ?? []).flatMap((node) => "RangeVar" in node ? relationOf(node.RangeVar) : [])
  return [
    ...lock(body.partbound === undefined ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE", parents),
    ...(body.tableElts ?? []).flatMap((node) => {
      if ("TableLikeClause" in node) return lock("ACCESS SHARE", relationOf(node.TableLikeClause.relation))
      const constraints = "Constraint" in node
        ? [node.Constraint]
        : "ColumnDef" in node
        ? (node.ColumnDef.constraints ?? []).flatMap((each) => "Constraint" in each ? [each.Constraint] : [])
        : []
      return constraints.flatMap(({ pktable }) => lock("SHARE ROW EXCLUSIVE", relationOf(pktable)))
    })
  ]
}

const renameLocks = ({ relation, renameType }: Body<"RenameStmt">): ReadonlyArray<Lock> =>
  lock(renameType === "OBJECT_INDEX" ? "SHARE UPDATE EXCLUSIVE" : "ACCESS EXCLUSIVE", relationOf(relation))

const reindexLocks = (body: Body<"ReindexStmt">): ReadonlyArray<Lock> => {
  const mode: LockMode = isConcurrentReindex(body) ? "SHARE UPDATE EXCLUSIVE" : "SHARE"
  const relation = relationOf(body.relation)
  if (body.kind === "REINDEX_OBJECT_TABLE") return lock(mode, relation)
  if (body.kind !== "REINDEX_OBJECT_INDEX") return []
  return [...lock(isConcurrentReindex(body) ? mode : "ACCESS EXCLUSIVE", relation), ...tableOf(mode, relation)]
}

const readers = {
  AlterTableStmt: (body: Body<"AlterTableStmt">) => body.objtype === "OBJECT_TYPE" ? [] : alterTableLocks(body),
  AlterObjectSchemaStmt: (body: Body<"AlterObjectSchemaStmt">) => lock("ACCESS EXCLUSIVE", relationOf(body.relation)),
  AlterPolicyStmt: (body: Body<"AlterPolicyStmt">) => lock("ACCESS EXCLUSIVE", relationOf(body.table)),
  AlterSeqStmt: (body: Body<"AlterSeqStmt">) => lock("SHARE ROW EXCLUSIVE", relationOf(body.sequence)),
  ClusterStmt: (body: Body<"ClusterStmt">) => lock("ACCESS EXCLUSIVE", relationOf(body.relation)),
  CommentStmt: commentLocks,
  CopyStmt: (body: Body<"CopyStmt">) =>
    body.is_from === true ? lock("ROW EXCLUSIVE", relationOf(body.relation)) : reads(body),
  CreatePolicyStmt: (body: Body<"CreatePolicyStmt">) => lock("ACCESS EXCLUSIVE", relationOf(body.table)),
  CreateStatsStmt: (body: Body<"CreateStatsStmt">) => lock("SHARE UPDATE EXCLUSIVE", relationsIn(body.relations)),
  CreateStmt: createLocks,
  CreateTableAsStmt: (body: Body<"CreateTableAsStmt">) => reads(body.query),
  CreateTrigStmt: (body: Body<"CreateTrigStmt">) => [
    ...lock("SHARE ROW EXCLUSIVE", relationOf(body.relation)),
    ...lock("ACCESS SHARE", relationOf(body.constrrel))
  ],
  DeleteStmt: writes,
  DropStmt: dropLocks,
  IndexStmt: (body: Body<"IndexStmt">) =>
    lock(body.concurrent === true ? "SHARE UPDATE EXCLUSIVE" : "SHARE", relationOf(body.relation)),
  InsertStmt: writes,
  LockStmt: (body: Body<"LockStmt">) => lock(lockModeOf(body.mode ?? 0), relationsIn(body.relations)),
  MergeStmt: writes,
  RefreshMatViewStmt: (body: Body<"RefreshMatViewStmt">) =>
    lock(body.concurrent === true ? "EXCLUSIVE" : "ACCESS EXCLUSIVE", relationOf(body.relation)),
  ReindexStmt: reindexLocks,
  RenameStmt: renameLocks,
  RuleStmt: (body: Body<"RuleStmt">) => lock("ACCESS EXCLUSIVE", relationOf(body.relation)),
  SelectStmt: (body: Body<"SelectStmt">) =>
    (body.lockingClause ?? []).length > 0 ? lock("ROW SHARE", relationsIn(body)) : reads(body),
  TruncateStmt: (body: Body<"TruncateStmt">) => lock("ACCESS EXCLUSIVE", relationsIn(body.relations)),
  UpdateStmt: writes,
  VacuumStmt: (body: Body<"VacuumStmt">) =>
    lock(isVacuumFull(body) ? "ACCESS EXCLUSIVE" : "SHARE UPDATE EXCLUSIVE", relationsIn(body.rels)),
  ViewStmt: (body: Body<"ViewStmt">) => [
    ...(body.replace === true ? lock("ACCESS EXCLUSIVE", relationOf(body.view)) : []),
    ...reads(body.query)
  ]
} satisfies Readonly<Record<string, Reader>>

const table: Readonly<Record<string, Reader | undefined>> = readers

export const locksOf = (node: Node): ReadonlyArray<Lock> =>
  // A cast: each reader is given the body of its own tag.
  Object.entries(node).flatMap(([tag, body]) => table[tag]?.(body as never) ?? [])

/** Tables, views and sequences that the statement makes. */
export const createsOf = (node: Node): ReadonlyArray<RelationName> =>
  "CreateStmt" in node
    ? relationOf(node.CreateStmt.relation)
    : "CreateTableAsStmt" in node
    ? relationOf(node.CreateTableAsStmt.into?.rel)
    : "ViewStmt" in node
    ? relationOf(node.ViewStmt.view)
    : "CreateSeqStmt" in node
    ? relationOf(node.CreateSeqStmt.sequence)
    : []

/** What it does to tables is not in its text. */
export const isOpaque = (node: Node): boolean =>
  "DoStmt" in node || "CallStmt" in node || "CreateExtensionStmt" in node || "AlterExtensionStmt" in node ||
  "ImportForeignSchemaStmt" in node || "RefreshMatViewStmt" in node ||
  ("SelectStmt" in node && functionsIn(node).length > 0) ||
  ("DropStmt" in node &&
    (node.DropStmt.behavior === "DROP_CASCADE" || node.DropStmt.removeType === "OBJECT_SCHEMA"))
