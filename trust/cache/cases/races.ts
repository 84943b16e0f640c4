/** a: a reader puts what it read into the cache while a write is under way. */
import { on } from "@ems/db-testing/WireProxy"
import { type Case, column, expect } from "./Case.ts"
import { readT, setT } from "./queries.ts"
import type { Rows } from "./Subject.ts"

export const races: ReadonlyArray<Case> = [
  {
    id: "a1",
    name: "an update waits for a row lock, a reader fills, the update is acknowledged",
    run: async (stage) => {
      const holder = await stage.session()
      await holder.sql("begin")
      await holder.sql("select from t where id = 1 for update")
      const update = stage.subject.write(setT(2))
      await stage.blocked()
      expect("while it waits", column(await stage.subject.read(readT())), [1])
      await holder.sql("rollback")
      await update
      expect("after the update", column(await stage.subject.read(readT())), [2])
    }
  },
  {
    id: "a2",
    name: "a select runs before the update, its answer arrives after the acknowledgement",
    run: async (stage) => {
      // Connections are open, and what has to be learned about the statement is known.
      await Promise.all([1, 2, 3].map((id) => stage.subject.read(readT(id))))
      await stage.fill(readT(1))
      await stage.subject.write(setT(2))
      const query = stage.subject.textOf(readT())
      const held = stage.proxy.add({
        match: (frame) => frame.from === "server" && frame.type === "D" && frame.sql?.includes(query) === true,
        action: { do: "hold" },
        times: 1
      })
      let early: Rows | undefined
      const read = stage.subject.read(readT()).then((rows) => {
        early ??= rows
      })
      for (let tries = 0; held.fired === 0; tries++) {
        // Without a question there is no answer to hold.
        if (early !== undefined) expect("asked after an update", column(early), [2])
        if (tries > 400) throw new Error("the answer was not held")
        await stage.sleep(5)
      }
      await stage.subject.write(setT(3))
      await stage.heal()
      await read
      expect("after the answer came", column(await stage.subject.read(readT())), [3])
    }
  },
  {
    id: "l1",
    name: "the answer to an update is lost: its caller does not know, reads must",
    run: async (stage) => {
      await stage.fill(readT())
      const cut = stage.proxy.add({
        match: on.complete(/^(UPDATE|COMMIT)/),
        action: { do: "cut", how: "reset", at: "before" },
        times: 1
      })
      await stage.subject.write(setT(2)).catch(() => {})
      if (cut.fired !== 1) throw new Error("no answer was cut off")
      expect(
        "after the lost answer",
        column(await stage.subject.read(readT())),
        column(
          await stage.outsider("select v from t where id = 1")
        )
      )
    }
  },
  {
    id: "l2",
    name: "the answer of COMMIT is lost",
    run: async (stage) => {
      await stage.fill(readT())
      const cut = stage.proxy.add({
        match: on.complete(/^COMMIT/),
        action: { do: "cut", how: "reset", at: "before" },
        times: 1
      })
      await stage.subject.transaction((tx) => tx.write(setT(2))).catch(() => {})
      if (cut.fired !== 1) throw new Error("no answer was cut off")
      expect(
        "after the lost answer",
        column(await stage.subject.read(readT())),
        column(
          await stage.outsider("select v from t where id = 1")
        )
      )
    }
  }
]
