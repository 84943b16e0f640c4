/** b: what transactions write and read. */
import { type Case, column, expect, Rollback, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, readU, setT, setU, text } from "./queries.ts"
import type { Subject } from "./Subject.ts"

const lock: Build = (db, { eq, t }) => db.select().from(t).where(eq(t.id, 1)).for("update")

/** Whatever goes wrong besides the rollback is the case's. */
const rolledBack = async (subject: Subject, body: Parameters<Subject["transaction"]>[0]): Promise<void> => {
  await subject.transaction(async (tx) => {
    await body(tx)
    throw new Rollback()
  }).catch((error: unknown) => {
    if (!(error instanceof Rollback)) throw error
  })
}

export const transactions: ReadonlyArray<Case> = [
  {
    id: "b1",
    name: "update in a transaction, a reader fills before the commit, the commit is acknowledged",
    run: async (stage) => {
      await stage.subject.transaction(async (tx) => {
        await tx.write(setT(2))
        expect("before the commit", column(await stage.subject.read(readT())), [1])
      })
      expect("after the commit", column(await stage.subject.read(readT())), [2])
    }
  },
  {
    id: "b2",
    name: "a transaction updates, reads its own write and rolls back",
    alone: true,
    run: async ({ subject }) => {
      await rolledBack(subject, async (tx) => {
        await tx.write(setT(666))
        expect("in the transaction", column(await tx.read(readT())), [666])
      })
      expect("after the rollback", column(await subject.read(readT())), [1])
    }
  },
  {
    id: "b3",
    name: "a transaction reads its own write although the cache holds the old row",
    alone: true,
    run: async (stage) => {
      await stage.fill(readT())
      await stage.subject.transaction(async (tx) => {
        await tx.write(setT(2))
        // A reader outside may fill again in between, where there is more than one session.
        if (stage.several) await stage.subject.read(readT())
        expect("in the transaction", column(await tx.read(readT())), [2])
      })
    }
  },
  {
    id: "b4",
    name: "SELECT … FOR UPDATE locks its row, also when it has run before",
    run: async (stage) => {
      await stage.subject.transaction((tx) => tx.read(lock))
      await stage.subject.transaction(async (tx) => {
        await tx.read(lock)
        const taken = await stage.outsider("select from t where id = 1 for update skip locked")
        if (taken.length > 0) throw new Wrong("no row lock is held")
      })
    }
  },
  {
    id: "l3",
    name: "a savepoint is rolled back, the transaction commits",
    alone: true,
    run: async (stage) => {
      const { subject } = stage
      await stage.fill(readT())
      await stage.fill(readU())
      await subject.transaction(async (tx) => {
        await tx.write(setU(7))
        await tx.write(text("savepoint one"))
        await tx.write(setT(666))
        expect("in the savepoint", column(await tx.read(readT())), [666])
        await tx.write(text("rollback to savepoint one"))
        expect("behind it", column(await tx.read(readT())), [1])
      })
      expect("t", column(await subject.read(readT())), [1])
      expect("u", column(await subject.read(readU())), [7])
    }
  },
  {
    id: "l4",
    name: "SET LOCAL in a transaction: what is read under it is nobody else's",
    alone: true,
    run: async (stage) => {
      const query = text("select at::text as v from t where id = 1")
      const usual = column(await stage.fill(query))
      await stage.subject.transaction(async (tx) => {
        await tx.write(text("set local timezone = 'Asia/Kolkata'"))
        expect("in the transaction", column(await tx.read(query)), ["2026-01-02 08:34:05+05:30"])
      })
      expect("afterwards", column(await stage.subject.read(query)), usual)
    }
  },
  {
    id: "l5",
    name: "the same with a builder",
    alone: true,
    run: async (stage) => {
      const query: Build = (db, { eq, sql, t }) => db.select({ v: sql`${t.at}::text` }).from(t).where(eq(t.id, 1))
      const usual = column(await stage.fill(query))
      await stage.subject.transaction(async (tx) => {
        await tx.write(text("set local timezone = 'Asia/Kolkata'"))
        expect("in the transaction", column(await tx.read(query)), ["2026-01-02 08:34:05+05:30"])
      })
      expect("afterwards", column(await stage.subject.read(query)), usual)
    }
  },
  {
    id: "l6",
    name: "a temporary table hides a table for one transaction",
    alone: true,
    run: async (stage) => {
      await stage.fill(readU())
      await stage.subject.transaction(async (tx) => {
        await tx.write(text("create temporary table u on commit drop as select 1 as id, 99 as v"))
        expect("in the transaction", column(await tx.read(readU())), [99])
      })
      expect("afterwards", column(await stage.subject.read(readU())), [1])
    }
  },
  {
    id: "l7",
    name: "REPEATABLE READ: the transaction keeps its snapshot, whatever others have cached since",
    run: async (stage) => {
      const { subject } = stage
      await stage.fill(readT())
      await subject.transaction(async (tx) => {
        await tx.write(text("set transaction isolation level repeatable read"))
        expect("in the transaction", column(await tx.read(readU())), [1])
        await stage.outsider("update t set v = 2 where id = 1")
        await stage.settle()
        expect("outside", column(await subject.read(readT())), [2])
        expect("in the transaction, later", column(await tx.read(readT())), [1])
      })
      expect("afterwards", column(await subject.read(readT())), [2])
    }
  },
  {
    id: "l8",
    name: "a statement that failed is asked again",
    alone: true,
    run: async ({ subject }) => {
      const query: Build = (db, { sql, u }) => db.select({ v: sql<number>`10 / ${u.v}` }).from(u).orderBy(u.id)
      await subject.write(setU(0))
      const failed = await subject.read(query).then(() => false, () => true)
      expect("it failed", failed, true)
      await subject.write(setU(5))
      expect("mended", column(await subject.read(query)), [2, 5])
    }
  }
]
