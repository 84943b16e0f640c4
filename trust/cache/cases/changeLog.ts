/** What operators do to the change log and its triggers: reads must not be older for it. */
import { type Case, column, expect, oursAlone } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT } from "./queries.ts"

const notFor = oursAlone("it has none")

/** Sabotage, time to notice, then a write that nobody may have noted. */
const sabotaged = (
  id: string,
  name: string,
  statements: string,
  restore?: string,
  also: Partial<Case> = {}
): Case => ({
  id,
  name,
  notFor,
  run: async (stage) => {
    await stage.fill(readT())
    await stage.outsider(statements)
    await stage.settle()
    await stage.subject.read(readT())
    for (const v of [2, 3]) {
      await stage.outsider(`update t set v = ${v} where id = 1`)
      await stage.settle()
      expect(`write ${v - 1}`, column(await stage.subject.read(readT())), [v])
    }
    if (restore === undefined) return
    await stage.outsider(restore)
    await stage.outsider("update t set v = 4 where id = 1")
    await stage.settle()
    expect("restored", column(await stage.subject.read(readT())), [4])
  },
  ...also
})

const readView: Build = (db, { eq, tv }) => db.select().from(tv).where(eq(tv.id, 1))

export const changeLog: ReadonlyArray<Case> = [
  sabotaged(
    "l135",
    "its trigger on a table is for replicas only",
    "alter table t enable replica trigger ems_change",
    "alter table t enable always trigger ems_change"
  ),
  sabotaged(
    "l136",
    "a table is taken out of the log",
    "select ems_internal.untrack('t')",
    "select ems_internal.track('t')"
  ),
  sabotaged(
    "l137",
    "nobody may read the log",
    "revoke all on ems_internal.change from public",
    "grant select on ems_internal.change to public",
    { plainRole: true }
  ),
  sabotaged(
    "l138",
    "its function does nothing any more",
    "create or replace function ems_internal.mark() returns trigger language plpgsql as 'begin return null; end'"
  ),
  sabotaged("l139", "it is dropped with everything in it", "drop schema ems_internal cascade"),
  {
    id: "l140",
    name: "it is emptied together with a write",
    notFor,
    run: async (stage) => {
      for (let v = 2; v < 5; v++) {
        await stage.fill(readT())
        await stage.outsider(`update t set v = ${v} where id = 1; truncate ems_internal.change`)
        await stage.settle()
        expect(`time ${v - 1}`, column(await stage.subject.read(readT())), [v])
      }
    }
  },
  {
    id: "l141",
    name: "event triggers are disabled, then a view is redefined",
    notFor,
    run: async (stage) => {
      await stage.fill(readView)
      await stage.outsider("alter event trigger ems_ddl disable; alter event trigger ems_drop disable")
      await stage.outsider("create or replace view tv as select id, v + 100 as v from t")
      // Without them definitions are compared, once a second.
      await stage.sleep(1100)
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(readView)), [101])
    }
  }
]
