/**
 * What the histories are about: tables whose value is a version, the queries on them, and what each query's values
 * must agree with.
 *
 * A group of tables is always written together, so a row of it has one version. It begins at 0 and every committed
 * write adds 1 under the row's lock: the value is the number of the write.
 */

export const rowCount = 6

/**
 * `pair`: a and b, by one transaction. `outer`: c, by the outsider alone. `family`: p, with q by a foreign key's cascade
 * and m by a trigger. `quiet`: rarely.
 */
export const groups = ["pair", "outer", "family", "quiet"] as const
export type Group = (typeof groups)[number]

/** The value that a transaction writes before it rolls back. */
export const poison = -7

interface Query {
  /** The group of each value that it returns. */
  readonly values: readonly [Group] | readonly [Group, Group]
}

/** By name, with the weight of each in the load. */
const described = {
  pk: { values: ["pair"], weight: 8 },
  join: { values: ["pair", "pair"], weight: 4 },
  cte: { values: ["pair", "pair"], weight: 1 },
  scalar: { values: ["pair", "outer"], weight: 1 },
  view: { values: ["pair", "pair"], weight: 3 },
  slow: { values: ["pair", "pair"], weight: 1 },
  outer: { values: ["outer"], weight: 4 },
  cascade: { values: ["family"], weight: 3 },
  mirror: { values: ["family"], weight: 3 },
  kin: { values: ["family", "family"], weight: 1 },
  quiet: { values: ["quiet"], weight: 6 }
} as const satisfies Readonly<Record<string, Query & { readonly weight: number }>>

export type QueryName = keyof typeof described
export const queryNames = Object.keys(described) as ReadonlyArray<QueryName>
export const queries: Readonly<Record<QueryName, Query>> = described

/** Each name as often as its weight says. */
export const weighted: ReadonlyArray<QueryName> = queryNames.flatMap((name) =>
  Array.from({ length: described[name].weight }, () => name)
)

/** A row of a group, as a number from 0 to `keyCount`. */
export const keyOf = (group: Group, row: number): number => groups.indexOf(group) * rowCount + row

export const keyCount = groups.length * rowCount

export const tables = ["a", "b", "c", "p", "q", "m", "quiet"] as const

/** Reading `filler` twice takes a few milliseconds of the server's time behind the snapshot that the values come from. */
const fillerRows = 260

export const schema = `
  ${
  ["a", "b", "c", "quiet"].map((table) => `create table ${table} (id int primary key, v bigint not null);`).join("\n")
}
  create table p (id int primary key, v bigint not null, unique (id, v));
  create table q (id int primary key, v bigint not null, foreign key (id, v) references p (id, v) on update cascade);
  create table m (id int primary key, v bigint not null);
  create table filler (n int primary key);
  ${tables.map((table) => `insert into ${table} select i, 0 from generate_series(0, ${rowCount - 1}) i;`).join("\n")}
  insert into filler select generate_series(1, ${fillerRows});
  create view ab as select a.id, a.v, b.v as w from a join b on b.id = a.id;
  create function mirror() returns trigger language plpgsql as
    $$ begin update m set v = new.v where id = new.id; return null; end $$;
  create trigger mirror after update on p for each row execute function mirror();
  analyze`

/** The version that every row has in the end, by key. */
export const finalVersions = `
  ${
  groups.map((group, index) => {
    const table = { pair: "a", outer: "c", family: "p", quiet: "quiet" }[group]
    return `select ${index * rowCount} + id as key, v::int as version from ${table}`
  }).join(" union all ")
}`
