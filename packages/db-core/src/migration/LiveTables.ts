/**
 * What the database knows of the relations that migrations name: sizes, columns, constraints.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import type { Handle } from "../connection/Database.ts"
import type { Lock } from "./statement/Lock.ts"
import type { RelationName } from "./statement/RelationName.ts"
import { sqlOf } from "./statement/RelationName.ts"

export interface LiveConstraint {
  readonly name: string
  /** As `pg_constraint.contype`. */
  readonly kind: "c" | "f" | "n" | "p" | "u" | "x" | "t"
  readonly isValid: boolean
  readonly definition: string
  readonly columns: ReadonlyArray<string>
  /** The table a foreign key refers to, as `schema.name`. */
  readonly references: string | null
}

export interface LiveTable {
  /** The relation as the statement named it, quoted. */
  readonly asked: string
  /** As `schema.name`; for an index that of its table. */
  readonly name: string
  /** The index that was asked for, as `schema.name`. */
  readonly index: string | null
  /** The planner's estimate; null where it was never analysed. */
  readonly rows: number | null
  /** With indexes and TOAST, and with partitions. */
  readonly bytes: number
  /** It has no pages, so every lock of it is short. */
  readonly isEmpty: boolean
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: string; readonly notNull: boolean }>
  readonly constraints: ReadonlyArray<LiveConstraint>
}

export type LiveTables = ReadonlyMap<string, LiveTable>

interface Row extends Record<string, unknown> {
  readonly asked: string
  readonly name: string
  readonly index: string | null
  readonly rows: number | null
  readonly bytes: number
  readonly heapBytes: number
  readonly columns: string
  readonly constraints: string
}

const tablesSql = (names: ReadonlyArray<string>) =>
  sql`
with asked as (
  select n as asked, to_regclass(n)::oid as id
  from unnest(array[${sql.join(names.map((name) => sql`${name}`), sql`, `)}]::text[]) n
), found as (
  select a.asked, a.id, coalesce(i.indrelid, a.id) as rel
  from asked a left join pg_index i on i.indexrelid = a.id
  where a.id is not null
)
select f.asked, n.nspname || '.' || c.relname as name,
  case when f.id <> f.rel then (select x.relnamespace::regnamespace || '.' || x.relname from pg_class x where x.oid = f.id)
    end as index,
  parts.rows::float8 as rows, parts.bytes::float8 as bytes, parts.heap::float8 as "heapBytes",
  coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'notNull', a.attnotnull) order by a.attnum)
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]')::text as columns,
  coalesce((select json_agg(json_build_object('name', k.conname, 'kind', k.contype, 'isValid', k.convalidated,
      'definition', pg_get_constraintdef(k.oid),
      'columns', array(select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey)),
      'references', (select r.relnamespace::regnamespace || '.' || r.relname from pg_class r where r.oid = k.confrelid)))
    from pg_constraint k where k.conrelid = c.oid), '[]')::text as constraints
from found f
join pg_class c on c.oid = f.rel
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
  select case when count(*) filter (where p.reltuples >= 0) > 0 then sum(greatest(p.reltuples, 0)) end as rows,
    coalesce(sum(pg_total_relation_size(p.oid)), 0) as bytes, coalesce(sum(pg_relation_size(p.oid)), 0) as heap
  from pg_class p
  where p.oid = c.oid or c.relkind = 'p' and p.relkind = 'r' and p.oid in (select relid from pg_partition_tree(c.oid))
) parts`

/** By the name they were asked for, quoted as in SQL; without those that are not there. */
export const liveTables = Effect.fnUntraced(function*(db: Handle<AnyRelations>, names: ReadonlyArray<string>) {
  const unique = [...new Set(names)]
  if (unique.length === 0) return new Map<string, LiveTable>()
  const { rows } = yield* db.execute<Row>(tablesSql(unique))
  return new Map(rows.map(({ columns, constraints, heapBytes, ...row }): [string, LiveTable] => [row.asked, {
    ...row,
    isEmpty: heapBytes === 0,
    // Casts: the query above built them.
    columns: JSON.parse(columns) as LiveTable["columns"],
    constraints: JSON.parse(constraints) as LiveTable["constraints"]
  }]))
})

/** Tables, as `schema.name`, that a lock on `referenced` leads to. */
export const referencedBy = ({ column, constraint }: Lock, table: LiveTable | undefined): ReadonlyArray<string> =>
  (table?.constraints ?? []).flatMap(({ columns, kind, name, references }) =>
    kind === "f" && references !== null && references !== table?.name &&
      (constraint === undefined || constraint === name) && (column === undefined || columns.includes(column))
      ? [references]
      : []
  )

/** Which of these functions may answer differently each time they are called. */
export const volatileFunctions = Effect.fnUntraced(function*(db: Handle<AnyRelations>, names: ReadonlyArray<string>) {
  if (names.length === 0) return new Set<string>()
  const { rows } = yield* db.execute<{ name: string }>(
    sql`select distinct proname as name from pg_proc where provolatile = 'v' and proname in ${[...new Set(names)]}`
  )
  return new Set(rows.map(({ name }) => name))
})

/** Every relation that the locks of statements name, quoted. */
export const namesIn = (locks: ReadonlyArray<{ readonly relation: RelationName }>): ReadonlyArray<string> =>
  locks.map(({ relation }) => sqlOf(relation))
