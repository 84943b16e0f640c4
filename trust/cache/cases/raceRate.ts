/** k: how often reads are older than what the same process was told, with nothing injected. */
import { type Case, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT } from "./queries.ts"
import type { Stage } from "./Stage.ts"
import type { Statements } from "./Subject.ts"

const readers = 6
const writers = 2

/** The row lock makes the value the number of its version. */
const bump = (id: number): Build => (db, { eq, sql, t }) =>
  db.update(t).set({ v: sql`${t.v} + 1` }).where(eq(t.id, id)).returning({ v: t.v })

/** Each writer has a row of its own: what it was told last is the newest that there is. */
const race = async (stage: Stage, once: (id: number) => Promise<number>): Promise<string> => {
  const acknowledged = new Map([[1, 1], [2, 1]])
  const until = performance.now() + (stage.quick ? 400 : 3000)
  let reads = 0
  let stale = 0
  const write = async (id: number) => {
    while (performance.now() < until) acknowledged.set(id, await once(id))
  }
  const read = async (first: number) => {
    for (let at = first; performance.now() < until; at++) {
      const id = 1 + at % writers
      const least = acknowledged.get(id) ?? 0
      const [row] = await stage.subject.read(readT(id))
      reads++
      if (Number(row?.["v"]) < least) stale++
      // A cache that answers without waiting would leave nothing to the others.
      if (reads % 20 === 0) await stage.sleep(0)
    }
  }
  await Promise.all([
    ...Array.from({ length: writers }, (_, at) => write(at + 1)),
    ...Array.from({ length: readers }, (_, at) => read(at))
  ])
  const text = `${stale} of ${reads} stale`
  if (stale > 0) throw new Wrong(text)
  return text
}

const bumpBy = (statements: Statements) => async (id: number): Promise<number> =>
  Number((await statements.write(bump(id)))[0]?.["v"])

export const raceRate: ReadonlyArray<Case> = [
  {
    id: "k1",
    name: `${readers} readers and ${writers} writers, each write alone`,
    quiet: true,
    run: (stage) => race(stage, bumpBy(stage.subject))
  },
  {
    id: "k2",
    name: "the same, each write in a transaction",
    quiet: true,
    run: (stage) => race(stage, (id) => stage.subject.transaction((tx) => bumpBy(tx)(id)))
  }
]
