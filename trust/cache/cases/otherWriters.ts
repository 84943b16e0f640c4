/** c: somebody else writes. */
import { type Case, column, expect, oursAlone, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, setT } from "./queries.ts"
import type { Stage } from "./Stage.ts"

/** What each writer of another kind does to the row of `t`: sets `v` to 2. */
const byOutsider = (id: string, name: string, statements: string, also: Partial<Case> = {}): Case => ({
  id,
  name,
  run: async (stage) => {
    await stage.fill(readT())
    await stage.outsider(statements)
    await stage.settle()
    expect("afterwards", column(await stage.subject.read(readT())), [2])
  },
  ...also
})

/** Transactions that were open for long are what a log that is read by transaction id loses. */
const longTransaction = async (stage: Stage): Promise<void> => {
  const { subject } = stage
  const writer = await stage.session()
  await writer.sql("begin")
  await writer.sql("update t set v = 2 where id = 1")
  for (let rounds = 0; rounds < 4; rounds++) {
    await stage.outsider("update u set v = v + 1")
    expect("before its commit", column(await subject.read(readT())), [1])
    await stage.sleep(120)
  }
  await stage.fill(readT())
  await writer.sql("commit")
  await stage.settle()
  expect("after its commit", column(await subject.read(readT())), [2])
}

export const otherWriters: ReadonlyArray<Case> = [
  byOutsider("c1", "psql", "update t set v = 2 where id = 1"),
  {
    id: "c2",
    name: "a second process with the same cache",
    run: async (stage) => {
      await stage.fill(readT())
      await (await stage.second()).write(setT(2))
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(readT())), [2])
    }
  },
  {
    id: "l9",
    name: "a second process names the transaction that wrote; a read that asks for it has it at once",
    notFor: oursAlone("it has no such level"),
    run: async (stage) => {
      const second = await stage.second()
      for (let v = 2; v < 12; v++) {
        await stage.fill(readT())
        const after = await second.causal?.(setT(v))
        if (after === undefined) throw new Error("it names no transaction")
        expect("at once", column(await stage.subject.read(readT(), { after })), [v])
        // What was read once may be served to others, and not older than that.
        expect("from then on", column(await stage.subject.read(readT())), [v])
      }
    }
  },
  {
    id: "l10",
    name: "the same with a transaction of plain SQL",
    notFor: oursAlone("it has no such level"),
    run: async (stage) => {
      await stage.fill(readT())
      const writer = await stage.session()
      await writer.sql("begin")
      await writer.sql("update t set v = 2 where id = 1")
      const [row] = await writer.sql("select pg_current_xact_id()::text as xid")
      await writer.sql("commit")
      const after = String(row?.["xid"])
      expect("at once", column(await stage.subject.read(readT(), { after })), [2])
    }
  },
  { id: "l11", name: "a transaction that began before several others", run: longTransaction },
  byOutsider(
    "l12",
    "MERGE",
    "merge into t using (values (1)) s (id) on t.id = s.id when matched then update set v = 2"
  ),
  byOutsider("l13", "an update through a view", "update tv set v = 2 where id = 1"),
  byOutsider(
    "l14",
    "a session that replays: session_replication_role = replica",
    "begin; set local session_replication_role = replica; update t set v = 2 where id = 1; commit"
  ),
  {
    id: "l15",
    name: "COPY",
    run: async (stage) => {
      const all: Build = (db, { u }) => db.select().from(u)
      await stage.fill(all)
      // The server runs the program, so no client has to speak COPY.
      await stage.outsider(`copy u from program 'printf "3\\t3\\n"'`)
      await stage.settle()
      expect("afterwards", (await stage.subject.read(all)).length, 3)
    }
  },
  {
    id: "l16",
    name: "TRUNCATE … CASCADE",
    run: async (stage) => {
      const all: Build = (db, { child }) => db.select().from(child)
      await stage.fill(all)
      await stage.outsider("truncate t cascade")
      await stage.settle()
      expect("afterwards", await stage.subject.read(all), [])
    }
  },
  {
    id: "l17",
    name: "an operator disables triggers, then somebody writes",
    run: async (stage) => {
      await stage.fill(readT())
      await stage.outsider("alter table t disable trigger user")
      await stage.settle()
      await stage.subject.read(readT())
      await stage.outsider("update t set v = 2 where id = 1")
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(readT())), [2])
      await stage.outsider("update t set v = 3 where id = 1")
      await stage.settle()
      expect("once more", column(await stage.subject.read(readT())), [3])
    }
  },
  {
    id: "l18",
    name: "disabled, written and enabled again before anybody looks",
    run: async (stage) => {
      await stage.fill(readT())
      await stage.outsider(
        "alter table t disable trigger user; update t set v = 2 where id = 1; alter table t enable trigger user"
      )
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(readT())), [2])
    }
  },
  {
    id: "l19",
    name: "a foreign key's ON UPDATE CASCADE, by somebody else",
    run: async (stage) => {
      const parents: Build = (db, { child, eq }) => db.select().from(child).where(eq(child.id, 1))
      await stage.fill(parents)
      await stage.outsider("update t set id = 11 where id = 1")
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(parents), "tId"), [11])
    }
  },
  {
    id: "l20",
    name: "the bound holds read after read while somebody writes without pause",
    quiet: true,
    run: async (stage) => {
      await stage.fill(readT())
      const writer = await stage.session()
      const acknowledged: Array<{ readonly v: number; readonly at: number }> = []
      const bound = stage.immediate ? 0 : stage.stalenessMs
      let writing = true
      const writes = (async () => {
        for (let v = 2; writing; v++) {
          await writer.sql(`update t set v = ${v} where id = 1`)
          acknowledged.push({ v, at: performance.now() })
          await stage.sleep(7)
        }
      })()
      let reads = 0
      let late = 0
      for (const until = performance.now() + (stage.quick ? 600 : 2000); performance.now() < until; reads++) {
        const from = performance.now() - bound
        const least = acknowledged.findLast(({ at }) => at <= from)?.v ?? 1
        const [row] = await stage.subject.read(readT())
        if (Number(row?.["v"]) < least) late++
        await stage.sleep(1)
      }
      writing = false
      await writes
      if (late > 0) throw new Wrong(`${late} of ${reads} reads are older than ${bound} ms`)
      return `${reads} reads`
    }
  }
]
