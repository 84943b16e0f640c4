/** What a write causes in other tables is seen at once by the process that wrote. */
import type { Case } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, text } from "./queries.ts"
import { ownWrite } from "./tableSets.ts"

const readAudit: Build = (db, { audit }) => db.select().from(audit)
const touchWatched: Build = (db, { eq, watched }) => db.update(watched).set({ v: 2 }).where(eq(watched.id, 1))
const bump = `create function bump() returns int language sql as 'update t set v = v + 1 where id = 1 returning v'`

/** Something writes 2 to the row of `audit`. */
const audited = (id: string, name: string, write: Build, setup: ReadonlyArray<string>): Case =>
  ownWrite({ id, name, write, setup, read: readAudit, before: [1], after: [2] })

/** Something writes 2 to the row of `t`. */
const bumped = (id: string, name: string, write: string, setup: ReadonlyArray<string>): Case =>
  ownWrite({ id, name, write: text(write), setup: [bump, ...setup], read: readT(), before: [1], after: [2] })

export const consequences: ReadonlyArray<Case> = [
  ownWrite({
    id: "l48",
    name: "ON UPDATE CASCADE",
    read: (db, { child, eq }) => db.select({ v: child.tId }).from(child).where(eq(child.id, 1)),
    write: text("update t set id = 11 where id = 1"),
    before: [1],
    after: [11]
  }),
  ownWrite({
    id: "l49",
    name: "ON DELETE SET NULL, two foreign keys away",
    setup: [
      "create table grandchild (id int primary key, child_id int references child on delete set null)",
      "insert into grandchild values (1, 1)"
    ],
    read: text("select child_id as v from grandchild"),
    write: (db, { eq, t }) => db.delete(t).where(eq(t.id, 1)),
    before: [1],
    after: [null]
  }),
  ownWrite({
    id: "l50",
    name: "TRUNCATE … CASCADE",
    read: (db, { child }) => db.select().from(child),
    write: text("truncate t cascade"),
    before: [1, 1],
    after: []
  }),
  audited("l51", "a rule", (db, { eq, u }) => db.update(u).set({ v: 7 }).where(eq(u.id, 1)), [
    "create rule also as on update to u do also update audit set v = 2"
  ]),
  audited("l52", "an INSTEAD OF trigger on a view", text("update tv set v = 7 where id = 1"), [
    `create function instead() returns trigger language plpgsql as
       'begin update audit set v = 2; return new; end'`,
    "create trigger instead instead of update on tv for each row execute function instead()"
  ]),
  audited(
    "l53",
    "a trigger that waits for the commit",
    (db, { eq, u }) => db.update(u).set({ v: 2 }).where(eq(u.id, 1)),
    [
      "create constraint trigger late after update on u deferrable initially deferred for each row execute function note()"
    ]
  ),
  ownWrite({
    id: "l54",
    name: "a trigger that sets off a trigger",
    setup: [
      `create function on_audit() returns trigger language plpgsql as
         'begin update u set v = 50 + new.v where id = 1; return null; end'`,
      "create trigger further after update on audit for each row execute function on_audit()"
    ],
    read: (db, { eq, u }) => db.select().from(u).where(eq(u.id, 1)),
    write: touchWatched,
    before: [1],
    after: [52]
  }),
  audited("l55", "a trigger on a partition", text("update parts set v = 2 where id = 1"), [
    "create trigger leaf after update on parts_1 for each row execute function note()"
  ]),
  bumped("l56", "a column's default writes", "insert into visits default values", [
    "create table visits (id serial primary key, seen int default bump())"
  ]),
  bumped("l57", "a view that writes when it is read", "select * from counter", [
    "create view counter as select bump() as v"
  ]),
  bumped("l58", "a procedure", "call change()", [
    "create procedure change() language sql as 'update t set v = 2 where id = 1'"
  ]),
  bumped("l59", "a procedure that commits by itself", "call change()", [
    `create procedure change() language plpgsql as
       'begin update t set v = 2 where id = 1; commit; update u set v = 9; end'`
  ]),
  bumped("l60", "RETURNING writes", "update u set v = v where id = 1 returning bump()", []),
  bumped("l61", "the condition of a DELETE writes", "delete from u where id = 1 and bump() = 0", []),
  bumped("l62", "the SELECT of an INSERT writes", "insert into u select 100, bump()", [])
]
