/**
 * What a statement without a transaction left when its run was cut off, or failed: looked at in the catalog, and
 * taken away where it is of no use.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { builderOf, isTwin } from "../../catalog/IndexBuild.ts"
import type { Handle } from "../../connection/Database.ts"
import { DbError } from "../../errors/DbError.ts"
import { commandsOf, detachesConcurrently } from "../statement/alterTableLocks.ts"
import { type RelationName, relationOf, relationOfWords, sqlOf, wordsOf } from "../statement/RelationName.ts"
import { isConcurrentReindex, type Statement } from "../statement/Statement.ts"

type Db = Handle<AnyRelations>

/** What is to be done now: nothing, the statement, or another one in its place. */
export type Verdict = { readonly do: "nothing" } | { readonly do: "run"; readonly text: string }

interface FoundIndex extends Record<string, unknown> {
  /** Qualified and quoted. */
  readonly name: string
  readonly usable: boolean
  readonly building: boolean
}

const indexColumns = sql.raw(`format('%I.%I', n.nspname, c.relname) as name,
  i.indisvalid and i.indisready and i.indislive as usable,
  ${builderOf("i.indexrelid")} is not null as building
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace`)

/** An index is made in the schema of its table. */
const indexOn = (db: Db, table: RelationName, name: string) =>
  Effect.map(
    db.execute<FoundIndex>(sql`select ${indexColumns}
where c.relname = ${name} and n.oid = (select relnamespace from pg_class where oid = to_regclass(${sqlOf(table)}))`),
    ({ rows: [row] }) => row
  )

/** Twins that a rebuild left of the indexes of a table, or of one index. */
const twins = (db: Db, relation: RelationName) =>
  Effect.map(
    db.execute<FoundIndex>(sql`select ${indexColumns}
where ${sql.raw(isTwin("c.relname"))} and not i.indisvalid and i.indrelid in (
  select to_regclass(${sqlOf(relation)}) union select indrelid from pg_index where indexrelid = to_regclass(${
      sqlOf(relation)
    }))`),
    ({ rows }) => rows
  )

const built = (name: string) =>
  DbError.of("LockTimeout", "NotSent", "migrate", { message: `another session is building the index ${name}` })

/** Takes unusable indexes away; those that somebody builds are waited for by trying again. */
const dropUnusable = Effect.fnUntraced(function*(db: Db, found: ReadonlyArray<FoundIndex>) {
  const dropped: Array<string> = []
  for (const index of found) {
    if (index.building) return yield* built(index.name)
    if (index.usable) continue
    yield* db.execute(sql.raw(`drop index concurrently if exists ${index.name}`))
    dropped.push(index.name)
  }
  return dropped
})

const detachPending = (db: Db, parent: RelationName, child: RelationName) =>
  Effect.map(
    db.execute<{ pending: boolean }>(sql`select inhdetachpending as pending from pg_inherits
where inhrelid = to_regclass(${sqlOf(child)}) and inhparent = to_regclass(${sqlOf(parent)})`),
    ({ rows: [row] }) => row?.pending
  )

/** Takes away what the statement left and nobody can use. Says what that was. */
export const clean = Effect.fnUntraced(function*(db: Db, { node }: Statement) {
  if ("IndexStmt" in node) {
    const [table] = relationOf(node.IndexStmt.relation)
    if (table === undefined) return []
    const found = yield* indexOn(db, table, node.IndexStmt.idxname ?? "")
    return yield* dropUnusable(db, found === undefined ? [] : [found])
  }
  if ("ReindexStmt" in node && isConcurrentReindex(node.ReindexStmt)) {
    const [relation] = relationOf(node.ReindexStmt.relation)
    return relation === undefined ? [] : yield* dropUnusable(db, yield* twins(db, relation))
  }
  return []
})

/** Before it runs. `isBegun`: a run of it was cut off, so what is there now may be its work. */
export const look = Effect.fnUntraced(function*(db: Db, { node, text }: Statement, isBegun: boolean) {
  const run: Verdict = { do: "run", text }
  const nothing: Verdict = { do: "nothing" }
  if ("IndexStmt" in node && isBegun) {
    const [table] = relationOf(node.IndexStmt.relation)
    const found = table === undefined ? undefined : yield* indexOn(db, table, node.IndexStmt.idxname ?? "")
    return found?.usable === true ? nothing : run
  }
  if ("DropStmt" in node && isBegun) {
    const names = (node.DropStmt.objects ?? []).flatMap((object) =>
      "List" in object ? relationOfWords(wordsOf(object.List.items)) : []
    )
    const { rows } = yield* db.execute<{ there: boolean }>(sql`select to_regclass(n) is not null as there
from unnest(array[${sql.join(names.map((name) => sql`${sqlOf(name)}`), sql`, `)}]::text[]) n`)
    return rows.some(({ there }) => there) ? run : nothing
  }
  if ("AlterTableStmt" in node) {
    const [parent] = relationOf(node.AlterTableStmt.relation)
    const detach = commandsOf(node.AlterTableStmt).find(detachesConcurrently)
    const [child] = detach?.def !== undefined && "PartitionCmd" in detach.def
      ? relationOf(detach.def.PartitionCmd.name)
      : []
    if (parent === undefined || child === undefined) return run
    const pending = yield* detachPending(db, parent, child)
    if (pending === true) {
      return { do: "run", text: `alter table ${sqlOf(parent)} detach partition ${sqlOf(child)} finalize` } as const
    }
    return pending === undefined && isBegun ? nothing : run
  }
  return run
})
