/** Partitions and inheritance: one statement names a table, others hold the rows. */
import { type Case, column, expect } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { ownWrite } from "./tableSets.ts"

export const partitions: ReadonlyArray<Case> = [
  ownWrite({
    id: "l40",
    name: "the root of partitions is read, a partition is written",
    read: (db, { eq, parts }) => db.select().from(parts).where(eq(parts.id, 1)),
    write: (db, { parts1 }) => db.update(parts1).set({ v: 5 }),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "l41",
    name: "a partition is read, the root is written",
    read: (db, { parts1 }) => db.select().from(parts1),
    write: (db, { eq, parts }) => db.update(parts).set({ v: 5 }).where(eq(parts.id, 1)),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "l42",
    name: "a parent is read, a child of it is written",
    read: (db, { base }) => db.select().from(base),
    write: (db, { derived }) => db.update(derived).set({ v: 5 }),
    before: [1],
    after: [5]
  }),
  ownWrite({
    id: "l43",
    name: "a child is read, its parent is written",
    read: (db, { derived }) => db.select().from(derived),
    write: (db, { base }) => db.update(base).set({ v: 5 }),
    before: [1],
    after: [5]
  }),
  {
    id: "l44",
    name: "the same partitions, written by somebody else",
    run: async (stage) => {
      const root: Build = (db, { parts }) => db.select().from(parts).orderBy(parts.id)
      await stage.fill(root)
      await stage.outsider("update parts_2 set v = 5")
      await stage.settle()
      expect("a partition written", column(await stage.subject.read(root)), [1, 5])
      const leaf: Build = (db, { parts1 }) => db.select().from(parts1)
      await stage.fill(leaf)
      await stage.outsider("update parts set v = 6 where id = 1")
      await stage.settle()
      expect("the root written", column(await stage.subject.read(leaf)), [6])
    }
  },
  {
    id: "l45",
    name: "a child table, written by somebody else",
    run: async (stage) => {
      const parent: Build = (db, { base }) => db.select().from(base)
      await stage.fill(parent)
      await stage.outsider("update derived set v = 5")
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(parent)), [5])
    }
  },
  {
    id: "l46",
    name: "a row moves from one partition to another",
    run: async (stage) => {
      const leaf: Build = (db, { parts1 }) => db.select().from(parts1)
      await stage.fill(leaf)
      await stage.outsider("delete from parts_2; update parts set id = 2 where id = 1")
      await stage.settle()
      expect("afterwards", await stage.subject.read(leaf), [])
    }
  },
  {
    id: "l47",
    name: "a partition with rows is attached",
    run: async (stage) => {
      const root: Build = (db, { parts }) => db.select().from(parts).orderBy(parts.id)
      await stage.fill(root)
      await stage.outsider(
        "create table parts_3 (id int primary key, v int not null); insert into parts_3 values (3, 3); "
          + "alter table parts attach partition parts_3 for values in (3)"
      )
      await stage.settle()
      expect("attached", column(await stage.subject.read(root)), [1, 1, 3])
      // Nobody put a trigger on it.
      await stage.outsider("update parts_3 set v = 4")
      await stage.settle()
      expect("written", column(await stage.subject.read(root)), [1, 1, 4])
    }
  }
]
