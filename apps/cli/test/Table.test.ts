import { expect, test } from "vitest"
import type { Screen } from "../src/Screen.ts"
import { type Column, table } from "../src/Table.ts"

const screen: Screen = { width: 100, hasColor: false, border: "ascii" }

interface Row {
  readonly name: string
  readonly size: number | null
}

const rows: ReadonlyArray<Row> = [{ name: "users", size: 1200 }, {
  name: "e\u0301v\u00e9nements \u4f1a\u8b70",
  size: null
}]
const columns: ReadonlyArray<Column<Row>> = [
  { name: "name", of: ({ name }) => name },
  { name: "size", of: ({ size }) => size, align: "right" }
]

test("names at the left, figures at the right, below each other whatever the script", () => {
  expect(table(rows, columns, screen)).toEqual([
    " name            | size",
    "-----------------+------",
    " users           | 1200",
    " e\u0301v\u00e9nements \u4f1a\u8b70 |"
  ])
  expect(table(rows, columns, { ...screen, border: "unicode" })[1]).toBe("─────────────────┼──────")
  expect(table([], columns, screen)).toEqual([])
})

test("what does not fit is cut where it may be, else one field a line", () => {
  const long = [{ name: "a".repeat(70), size: 1 }]
  const cut = table(long, [{ name: "name", of: ({ name }) => name, shrinksTo: 10 }, ...columns.slice(1)], {
    ...screen,
    width: 30
  })
  expect(Math.max(...cut.map((line) => line.length))).toBe(30)
  expect(cut[2]).toBe(` ${"a".repeat(18)}... |    1`)

  expect(table(long, columns, { ...screen, width: 40 })).toEqual([
    "-[ RECORD 1 ]+-",
    `name | ${"a".repeat(33)}`,
    `     | ${"a".repeat(33)}`,
    `     | ${"a".repeat(4)}`,
    "size | 1"
  ])
})

test("what a terminal would take for a command does not reach it", () => {
  const [, , line] = table([{ name: "\u001B[2J\u001B]0;x\u0007 a\nb\u202Ec", size: 1 }], columns, screen)
  expect(line).toBe(" [2J ]0;x a bc |    1")
})

test("colours only where there are any", () => {
  expect(table(rows, columns, screen).join("")).not.toContain("\u001B")
  expect(table(rows, columns, { ...screen, hasColor: true })[0]).toContain("\u001B[1m")
})
