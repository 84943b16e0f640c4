/** h: callers change what they were given. */
import { type Case, expect } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readT, text } from "./queries.ts"
import type { Row } from "./Subject.ts"

/** A caller may be refused. */
const attempt = (change: () => unknown): void => {
  try {
    change()
  } catch {
    // That is one of the right answers.
  }
}

/** What `change` does to the rows that one caller got, nobody else sees. */
const changed = (
  id: string,
  name: string,
  query: Build,
  change: (row: Row, rows: Array<Row>) => unknown,
  show: (row: Row | undefined) => unknown
): Case => ({
  id,
  name,
  alone: true,
  run: async (stage) => {
    // The first answer comes from the database, those behind it from the cache: none may be the cache's own.
    const right = show((await stage.subject.uncached(query))[0])
    for (const which of ["the one that filled", "a hit", "another hit"]) {
      const rows = await (which === "the one that filled" ? stage.subject.read(query) : stage.fill(query))
      expect(`before ${which}`, show(rows[0]), right)
      attempt(() => change(rows[0] ?? {}, rows as Array<Row>))
    }
    expect("in the end", show((await stage.subject.read(query))[0]), right)
  }
})

/** Without a condition, which the two versions write differently. */
const nested: Build = (db) => db.query.t.findMany({ with: { children: true } })

export const aliasing: ReadonlyArray<Case> = [
  changed(
    "h1",
    "a jsonb value",
    readT(),
    (row) => (row["doc"] as { list: Array<number> }).list.push(666),
    (row) => JSON.stringify(row?.["doc"])
  ),
  changed(
    "l63",
    "the rows themselves",
    readT(),
    (row, rows) => {
      attempt(() => Object.assign(row, { v: 666 }))
      rows.splice(0, 1, { v: 667 })
    },
    (row) => row?.["v"]
  ),
  changed(
    "l64",
    "nested rows of a relational query",
    nested,
    (row) => {
      const children = row["children"] as Array<{ v: number }>
      attempt(() => Object.assign(children[0] ?? {}, { v: 666 }))
      children.push({ v: 667 })
    },
    (row) => JSON.stringify(row?.["children"])
  ),
  changed(
    "l65",
    "a Date",
    readT(),
    (row) => (row["at"] as Date).setTime(0),
    (row) => JSON.stringify(row?.["at"])
  ),
  changed(
    "l66",
    "bytes",
    readT(),
    (row) => (row["bytes"] as Uint8Array).fill(0xff),
    (row) => JSON.stringify(row?.["bytes"])
  ),
  changed(
    "l67",
    "an array, in the answer to raw SQL",
    text("select array[1, 2] as list, v from t where id = 1"),
    (row) => (row["list"] as Array<number>).push(666),
    (row) => JSON.stringify(row?.["list"])
  )
]
