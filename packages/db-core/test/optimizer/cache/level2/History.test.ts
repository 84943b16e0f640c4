/**
 * The one decision that everything rests on, held against a model: of a random history with transactions that commit
 * out of order, no answer is accepted that lacks a change which the process knows of, and no good one is refused that
 * the log can tell of.
 */
import { assert, describe, expect, it } from "vitest"
import { History } from "../../../../src/optimizer/cache/level2/History.ts"
import { covers } from "../../../../src/optimizer/cache/level2/Proof.ts"
import { parse } from "../../../../src/optimizer/cache/Snapshot.ts"
import { Tables } from "../../../../src/optimizer/cache/Tables.ts"

/** Numbers that are the same each time (Numerical Recipes' generator). */
const randomOf = (seed: number) => (below: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor(seed / 2 ** 32 * below)
}

interface Change {
  readonly xid: bigint
  readonly oid: number
}

/** Transactions, and what a snapshot of them sees. */
class Log {
  private next = 100n
  private readonly running = new Map<bigint, Array<number>>()
  private lastEnded = 99n
  readonly committed: Array<Change> = []

  step(random: (below: number) => number): void {
    if (this.running.size < 4 && random(2) === 0) {
      this.running.set(this.next++, Array.from({ length: random(3) }, () => 1 + random(3)))
      return
    }
    const xids = [...this.running.keys()]
    const xid = xids[random(xids.length)]
    if (xid === undefined) return
    for (const oid of new Set(this.running.get(xid))) this.committed.push({ xid, oid })
    this.running.delete(xid)
    if (xid > this.lastEnded) this.lastEnded = xid
  }

  snapshot(): string {
    const xmax = this.lastEnded + 1n
    const running = [...this.running.keys()].filter((xid) => xid < xmax)
    return `${running[0] ?? xmax}:${xmax}:${running.join(",")}`
  }
}

/** As the poll tells them. */
const told = (changes: ReadonlyArray<Change>, limit = 16): string | null => {
  const byOid = new Map<number, Array<bigint>>()
  for (const { oid, xid } of changes) byOid.set(oid, [...byOid.get(oid) ?? [], xid])
  return byOid.size === 0
    ? null
    : [...byOid].map(([oid, xids]) => `${oid}:${xids.length > limit ? "" : xids.join("+")}`).join(",")
}

interface Moment {
  readonly snapshot: string
  readonly seen: number
}

const poll = (snapshot: string, changed: string | null, epoch = "e") => ({
  snapshot,
  changed,
  epoch,
  tick: 1n,
  oldestTick: 1n,
  standby: false,
  definitions: "d",
  lineage: "l"
})

describe("what a process knows of changes", () => {
  for (const limit of [16, 0]) {
    it(`never lets an answer pass that may lack one (${limit} told of a table)`, () => {
      let accepted = 0
      let refused = 0
      for (let seed = 1; seed <= 150; seed++) {
        const random = randomOf(seed)
        const log = new Log()
        const tables = new Tables()
        const history = new History(tables)
        const moments: Array<Moment> = []
        let polledAt = 0
        let since = 0
        for (let step = 0; step < 120; step++) {
          log.step(random)
          const now: Moment = { snapshot: log.snapshot(), seen: log.committed.length }
          moments.push(now)
          if (random(6) === 0) {
            if (step > 60 && random(10) === 0) history.broke()
            const mark = history.asked()
            history.told(poll(now.snapshot, told(log.committed.slice(polledAt), limit)), mark)
            polledAt = log.committed.length
            if (since === 0 && random(3) === 0) {
              since = 1
              // What the log kept: everything but what an early sweep had seen.
              const swept = moments[random(Math.min(moments.length, 10))]!
              history.extend({
                snapshot: now.snapshot,
                epoch: "e",
                since: swept.snapshot,
                changed: told(log.committed.slice(swept.seen), limit)
              }, history.version)
            }
          }
          if (history.proof === undefined) continue
          const { snapshot, seen } = moments[random(moments.length)]!
          const read = [1, 2, 3].filter(() => random(2) === 0)
          const why = history.judge(
            { world: history.proof.world, snapshot },
            read.map((oid) => tables.of(oid)),
            []
          )
          const lacks = log.committed.slice(seen, polledAt).some(({ oid }) => read.includes(oid))
          if (why === undefined) {
            accepted++
            assert(!lacks, `seed ${seed}, step ${step}: ${snapshot} lacks a change of ${read.join(", ")}`)
          } else refused++
        }
      }
      expect(accepted).toBeGreaterThan(limit === 16 ? 5000 : 1000)
      expect(refused).toBeGreaterThan(500)
    })
  }

  it("orders snapshots by what they see", () => {
    const see = (later: string, earlier: string) => covers(parse(later), parse(earlier))
    expect(see("10:12:10", "10:12:10")).toBe(true)
    // 10 has ended since.
    expect(see("12:12:", "10:12:10")).toBe(true)
    expect(see("10:12:10", "12:12:")).toBe(false)
    // It began after the earlier one, and is under way.
    expect(see("12:14:12", "12:12:")).toBe(true)
    expect(see("12:12:", "13:14:")).toBe(false)
    // Without numbers compared as text.
    expect(see("9:100:9", "9:10:9")).toBe(true)
    expect(see("9:10:9", "9:100:9")).toBe(false)
  })

  it("waits for a poll that was sent after an own write", () => {
    const tables = new Tables()
    const history = new History(tables)
    const [one, two] = [tables.of(1), tables.of(2)]
    history.told(poll("10:10:", null), history.asked())
    expect(history.isSettled([one, two], [])).toBe(true)
    const release = tables.fence([one])
    const early = history.asked()
    release()
    expect(history.isSettled([one], [])).toBe(false)
    expect(history.isSettled([two], [])).toBe(true)
    history.told(poll("10:10:", null), early)
    expect(history.isSettled([one], [])).toBe(false)
    history.told(poll("11:11:", "1:10"), history.asked())
    expect(history.isSettled([one], [])).toBe(true)
    tables.fence("all")()
    expect(history.isSettled([two], [])).toBe(false)
  })

  it("takes nothing from another epoch, nor from before what it can tell", () => {
    const tables = new Tables()
    const history = new History(tables)
    const judge = (snapshot: string, world = history.proof!.world) =>
      history.judge({ world, snapshot }, [tables.of(1)], [])
    history.told(poll("10:10:", null), history.asked())
    const { world } = history.proof!
    expect(judge("9:9:")).toBe("horizon")
    expect(judge("10:10:")).toBe(undefined)
    history.told(poll("12:12:", "1:11"), history.asked())
    expect(judge("10:10:")).toBe("changed")
    expect(judge("11:11:")).toBe("changed")
    expect(judge("12:12:")).toBe(undefined)
    history.broke()
    history.told(poll("13:13:", null, "f"), history.asked())
    expect(judge("13:13:", world)).toBe("world")
    expect(judge("12:12:")).toBe("horizon")
    // Definitions changed.
    history.told(poll("14:14:", "0:13", "f"), history.asked())
    expect(judge("13:13:")).toBe("changed")
  })
})
