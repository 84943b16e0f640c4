/** f: many ask for the same at the same time. */
import { type Case, expect, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"

/** One under way, and one that began after those who may not join it. */
const mostQueries = 2

export const stampede: ReadonlyArray<Case> = [
  {
    id: "f1",
    name: "100 identical reads of what is not cached",
    quiet: true,
    notFor: ({ name }) => name === "no cache" ? "it has none" : undefined,
    run: async (stage) => {
      const query: Build = (db, { t }) => db.select().from(t).orderBy(t.id)
      // What is learned about a statement once is not what is counted.
      await stage.subject.read(query)
      await stage.subject.write((db, { t }) => db.update(t).set({ v: 2 }))
      const before = await stage.answered(query)
      const answers = await Promise.all(Array.from({ length: 100 }, () => stage.subject.read(query)))
      const asked = await stage.answered(query) - before
      expect("all are right", answers.every((rows) => rows.length === 2 && rows[0]?.["v"] === 2), true)
      if (asked > mostQueries) throw new Wrong(`${asked} queries`)
      return `${asked} queries`
    }
  }
]
