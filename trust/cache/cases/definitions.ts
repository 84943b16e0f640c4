/** DDL: the same text comes to mean something else. */
import { type Case, column, expect, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { plainRole } from "./plainRole.ts"
import { readT, readU, setU, text } from "./queries.ts"

/** Somebody else changes a definition. */
const altered = (
  id: string,
  name: string,
  query: Build,
  statements: string,
  right: ReadonlyArray<unknown>,
  also: Partial<Case> = {}
): Case => ({
  id,
  name,
  run: async (stage) => {
    await stage.fill(query)
    await stage.outsider(statements)
    await stage.settle()
    expect("afterwards", column(await stage.subject.read(query)), right)
    expect("again", column(await stage.subject.read(query)), right)
  },
  ...also
})

export const definitions: ReadonlyArray<Case> = [
  {
    id: "l114",
    name: "a column is added: SELECT * has it",
    run: async (stage) => {
      const query = text("select * from u where id = 1")
      await stage.fill(query)
      await stage.outsider("alter table u add column w int not null default 7")
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(query), "w"), [7])
    }
  },
  {
    id: "l115",
    name: "a table is dropped: there is no answer any more",
    run: async (stage) => {
      await stage.fill(readU())
      await stage.outsider("drop table u")
      await stage.settle()
      const told = await stage.subject.read(readU()).then((rows) => rows.length, () => "refused")
      expect("afterwards", told, "refused")
    }
  },
  {
    id: "l116",
    name: "a table is dropped and made again, then written",
    run: async (stage) => {
      await stage.fill(readU())
      await stage.outsider(
        "drop table u; create table u (id int primary key, v int not null); insert into u values (1, 7)"
      )
      await stage.settle()
      expect("made again", column(await stage.subject.read(readU())), [7])
      await stage.outsider("update u set v = 8")
      await stage.settle()
      expect("written", column(await stage.subject.read(readU())), [8])
      await stage.adopt()
      await stage.settle()
      await stage.fill(readU())
      await stage.outsider("update u set v = 9")
      await stage.settle()
      expect("written when it is tracked again", column(await stage.subject.read(readU())), [9])
    }
  },
  altered(
    "l117",
    "two tables change their names",
    readU(),
    "begin; alter table u rename to old_u; alter table watched rename to u; update u set v = 7; commit",
    [7]
  ),
  {
    id: "l118",
    name: "a table is renamed and written by the same process under its new name",
    run: async (stage) => {
      await stage.fill(readU())
      await stage.outsider("alter table u rename to renamed; create view u as select * from renamed")
      await stage.settle()
      await stage.fill(readU())
      await stage.subject.write(text("update renamed set v = 7 where id = 1"))
      expect("at once", column(await stage.subject.read(readU())), [7])
    }
  },
  altered(
    "l119",
    "a view is redefined",
    (db, { eq, tv }) => db.select().from(tv).where(eq(tv.id, 1)),
    [
      "create or replace view tv as select id, v + 100 as v from t"
    ].join(";"),
    [101]
  ),
  altered(
    "l120",
    "a column's type changes, and its values with it",
    (db, { eq, t }) => db.select({ v: t.label }).from(t).where(eq(t.id, 1)),
    "alter table t alter column label type varchar(1) using left(label, 1)",
    ["n"]
  ),
  altered(
    "l121",
    "a schema with a table of the same name comes first",
    readU(),
    `do $$ begin execute 'create schema ${plainRole}'; end $$; create table ${plainRole}.u (id int, v int); `
      + `grant usage on schema ${plainRole} to ${plainRole}; grant all on ${plainRole}.u to ${plainRole}; `
      + `insert into ${plainRole}.u values (1, 7)`,
    [7],
    { plainRole: true }
  ),
  {
    id: "l122",
    name: "a materialized view is refreshed",
    setup: ["create materialized view sums as select sum(v)::int as v from u"],
    run: async (stage) => {
      const query = text("select v from sums")
      expect("before", column(await stage.subject.read(query)), [3])
      await stage.subject.read(query)
      await stage.outsider("update u set v = 5 where id = 1; refresh materialized view sums")
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(query)), [7])
    }
  },
  {
    id: "l123",
    name: "a table becomes unlogged and logged again, is clustered and vacuumed: its rows are the same",
    run: async (stage) => {
      await stage.fill(readT())
      for (
        const statement of [
          "alter table u set unlogged",
          "alter table u set logged",
          "cluster t using t_pkey",
          "vacuum full t",
          "create index later on t (v)",
          "reindex table t",
          "analyze t"
        ]
      ) {
        await stage.outsider(statement)
        expect(statement, column(await stage.subject.read(readT())), [1])
      }
      await stage.outsider("update t set v = 2 where id = 1")
      await stage.settle()
      expect("written", column(await stage.subject.read(readT())), [2])
    }
  },
  {
    id: "l124",
    name: "a trigger that writes another table is added: a write of the same process is seen there",
    run: async (stage) => {
      const audit: Build = (db, { audit: table }) => db.select().from(table)
      await stage.fill(audit)
      await stage.outsider("create trigger later after update on u for each row execute function note()")
      await stage.settle()
      await stage.fill(audit)
      await stage.subject.write(setU(7))
      await stage.settle()
      const seen = column(await stage.subject.read(audit))[0]
      if (seen !== 7) throw new Wrong(`${String(seen)} instead of 7`)
    }
  },
  altered(
    "l125",
    "a value of an enumeration is renamed",
    text("select mood::text as v from feelings"),
    "alter type mood rename value 'sad' to 'blue'",
    ["blue"],
    {
      setup: [
        "create type mood as enum ('sad', 'happy')",
        "create table feelings (mood mood)",
        "insert into feelings values ('sad')"
      ]
    }
  ),
  {
    id: "l126",
    name: "a role loses the membership by which it may read",
    plainRole: true,
    setup: [
      `do $$ begin
         execute format('create role %I', current_database() || '_readers');
         execute format('grant %I to ${plainRole}', current_database() || '_readers');
         execute format('grant select on u to %I', current_database() || '_readers');
       end $$`
    ],
    run: async (stage) => {
      await stage.outsider(`revoke all on u from ${plainRole}`)
      const told = () => stage.subject.read(readU()).then(column, () => "refused")
      try {
        await stage.settle()
        for (let round = 0; round < 3; round++) expect("as a member", await told(), [1])
        await stage.outsider(
          `do $$ begin execute format('revoke %I from ${plainRole}', current_database() || '_readers'); end $$`
        )
        await stage.settle()
        expect("afterwards", await told(), "refused")
      } finally {
        await stage.outsider(`do $$ begin
          execute format('drop owned by %I', current_database() || '_readers');
          execute format('drop role %I', current_database() || '_readers');
        end $$`)
      }
    }
  },
  {
    id: "l127",
    name: "DDL of the same process, at once",
    run: async ({ subject }) => {
      const query = text("select * from u where id = 1")
      await subject.read(query)
      await subject.read(query)
      await subject.write(text("alter table u rename column v to w"))
      expect("at once", column(await subject.read(query), "w"), [1])
    }
  }
]
