import { describe, expect, it } from "vitest"
import { type Blocking, type BlockingTree, forestOf } from "../../src/catalog/BlockingTrees.ts"

const session = (pid: number, ...blockedBy: ReadonlyArray<number>): Blocking => ({
  pid,
  blockedBy,
  blockedByPrepared: [],
  backendType: "client backend",
  database: "d",
  user: "u",
  application: "",
  state: "active",
  lockMode: null,
  lockType: null,
  lockObject: null,
  waitedMs: pid,
  transactionMs: 0,
  stateMs: 0,
  query: null
})

/** `1(2(3) 4)`: 2 and 4 below 1, 3 below 2. */
const draw = ({ children, session }: BlockingTree): string =>
  children.length === 0 ? String(session.pid) : `${session.pid}(${children.map(draw).join(" ")})`
const roots = (...rows: ReadonlyArray<Blocking>) => forestOf(rows).roots.map(draw)

describe("the forest", () => {
  it("puts each below who is in front of it, and nobody twice for that", () => {
    // Four want one row: each waits for all before it.
    expect(roots(session(1), session(2, 1), session(3, 1, 2), session(4, 1, 2, 3))).toEqual(["1(2(3(4)))"])
  })

  it("takes a queue of sixty as a line", () => {
    const queue = Array.from(
      { length: 60 },
      (_, at) => session(at, ...Array.from({ length: at }, (_, before) => before))
    )
    const forest = forestOf(queue)
    expect(forest.roots).toHaveLength(1)
    expect(forest.roots[0]?.victims).toBe(59)
    expect(forest.roots[0]?.children).toHaveLength(1)
  })

  it("has several roots, with the most victims first, the longest wait first", () => {
    expect(roots(session(1), session(2, 1), session(3), session(4, 3), session(5, 3))).toEqual(["3(5 4)", "1(2)"])
  })

  it("shows who waits for two under both, and what is below it once", () => {
    const { roots: [first, second] } = forestOf([session(1), session(2), session(3, 1, 2), session(4, 3)])
    expect([first, second].map((root) => draw(root!))).toEqual(["1(3(4))", "2(3)"])
    expect(first?.children[0]?.isRepeated).toBe(false)
    expect(second?.children[0]?.isRepeated).toBe(true)
    expect(second?.victims).toBe(2)
  })

  it("lists cycles, each once, and what waits behind them in no tree", () => {
    const forest = forestOf([
      session(1, 3),
      session(2, 1),
      session(3, 2),
      session(4, 1),
      session(7, 8),
      session(8, 7)
    ])
    expect(forest.cycles).toEqual([[1, 3, 2], [7, 8]])
    expect(forest.roots).toEqual([])
  })

  it("leaves out who blocks and is gone", () => {
    expect(forestOf([session(2, 1)])).toEqual({ roots: [], cycles: [] })
  })
})
