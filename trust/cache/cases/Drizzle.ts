/**
 * The tables of the cases and what a query is built with. Each version of Drizzle brings its own functions; the queries
 * are written once, against the types of the newer one.
 */
import type * as Core from "drizzle-orm"
import type { AnyRelations } from "drizzle-orm"
import type { NodePgDatabase } from "drizzle-orm/node-postgres"
import type * as Pg from "drizzle-orm/pg-core"

/** The functions of one version. */
export interface Kit {
  readonly eq: typeof Core.eq
  readonly exists: typeof Core.exists
  readonly inArray: typeof Core.inArray
  readonly sql: typeof Core.sql
  readonly pg: Pick<
    typeof Pg,
    "bigint" | "customType" | "integer" | "jsonb" | "pgTable" | "pgView" | "text" | "timestamp"
  >
}

/** Made by each version for itself: a column of one means nothing to the other. */
export const tablesOf = ({ pg }: Kit) => {
  const { bigint, customType, integer, jsonb, pgTable, pgView, text, timestamp } = pg
  const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" })
  const id = () => integer("id").primaryKey()
  const v = () => integer("v").notNull()
  return {
    t: pgTable("t", {
      id: id(),
      v: v(),
      label: text("label"),
      doc: jsonb("doc").$type<{ list: Array<number> }>(),
      at: timestamp("at", { withTimezone: true }),
      bytes: bytea("bytes"),
      big: bigint("big", { mode: "bigint" })
    }),
    u: pgTable("u", { id: id(), v: v() }),
    child: pgTable("child", { id: id(), tId: integer("t_id").notNull(), v: v() }),
    watched: pgTable("watched", { id: id(), v: v() }),
    audit: pgTable("audit", { id: id(), v: v() }),
    parts: pgTable("parts", { id: id(), v: v() }),
    parts1: pgTable("parts_1", { id: id(), v: v() }),
    base: pgTable("base", { id: id(), v: v() }),
    derived: pgTable("derived", { id: id(), v: v() }),
    secrets: pgTable("secrets", { id: id(), tenant: text("tenant").notNull(), body: text("body").notNull() }),
    tv: pgView("tv", { id: integer("id"), v: integer("v") }).existing(),
    tvv: pgView("tvv", { id: integer("id"), v: integer("v") }).existing()
  }
}

export type Tables = ReturnType<typeof tablesOf>

/** Drizzle's handle, as far as both versions agree. */
export type Db = NodePgDatabase<AnyRelations & { readonly t: Core.TableRelationalConfig }>

export interface Toolbox extends Kit, Tables {}

/** What a builder has become: both versions say its text, one way or the other. */
export type Built = object

export type Build = (db: Db, toolbox: Toolbox) => Built

/** What the tables hold at the start of each case. One statement each: an embedded database takes no more at a time. */
export const setup: ReadonlyArray<string> = [
  `create table t (id int primary key, v int not null, label text, doc jsonb, at timestamptz, bytes bytea, big int8)`,
  `insert into t values
     (1, 1, 'now', '{"list": [1, 2]}', '2026-01-02T03:04:05Z', '\\x010203', 5), (2, 1, 'b', '{"list": []}', null, null, null)`,
  `create table u (id int primary key, v int not null)`,
  `insert into u values (1, 1), (2, 2)`,
  `create table child (
     id int primary key, t_id int not null references t on delete cascade on update cascade, v int not null)`,
  `insert into child values (1, 1, 1), (2, 2, 1)`,
  `create view tv as select id, v from t`,
  `create view tvv as select id, v from tv where v > 0`,
  `create table watched (id int primary key, v int not null)`,
  `create table audit (id int primary key, v int not null)`,
  `insert into watched values (1, 1)`,
  `insert into audit values (1, 1)`,
  `create function note() returns trigger language plpgsql as
     'begin update audit set v = new.v where id = new.id; return null; end'`,
  `create trigger note after update on watched for each row execute function note()`,
  `create table parts (id int primary key, v int not null) partition by list (id)`,
  `create table parts_1 partition of parts for values in (1)`,
  `create table parts_2 partition of parts for values in (2)`,
  `insert into parts values (1, 1), (2, 1)`,
  `create table base (id int primary key, v int not null)`,
  `create table derived (primary key (id)) inherits (base)`,
  `insert into derived values (1, 1)`,
  `create table secrets (id int primary key, tenant text not null, body text not null)`,
  `insert into secrets values (1, 'a', 'of a'), (2, 'b', 'of b')`,
  `alter table secrets enable row level security`,
  `create policy own on secrets using (tenant = current_setting('app.tenant', true))`
]
