import { assert, describe, it } from "vitest"
import { type Window, Windows } from "../../../src/optimizer/statistics/Windows.ts"

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const start = 1_800_000_000_000

const calls = (windows: Windows, now: number) =>
  Object.fromEntries(
    (["minute", "hour", "day", "all"] as const).map((window: Window) => [window, windows.read(window, now).calls])
  )

describe("Windows", () => {
  it("forgets nothing before three quarters of a window, and everything after all of it", () => {
    const windows = new Windows(start)
    windows.at(start).record(1000, 1, false, false)
    const seen = (after: number) => calls(windows, start + after)
    assert.deepStrictEqual(seen(0), { minute: 1, hour: 1, day: 1, all: 1 })
    assert.deepStrictEqual(seen(44 * second), { minute: 1, hour: 1, day: 1, all: 1 })
    assert.deepStrictEqual(seen(60 * second), { minute: 0, hour: 1, day: 1, all: 1 })
    assert.deepStrictEqual(seen(44 * minute), { minute: 0, hour: 1, day: 1, all: 1 })
    assert.deepStrictEqual(seen(60 * minute), { minute: 0, hour: 0, day: 1, all: 1 })
    assert.deepStrictEqual(seen(17 * hour), { minute: 0, hour: 0, day: 1, all: 1 })
    assert.deepStrictEqual(seen(24 * hour), { minute: 0, hour: 0, day: 0, all: 1 })
  })

  it("counts each call once in each window, however time goes", () => {
    const windows = new Windows(start)
    const times: Array<number> = []
    let now = start
    for (let n = 0; n < 5000; n++) {
      now += [10, 400, 16 * second, 3 * minute, 0][n % 5]! * (n % 97 === 0 ? 30 : 1)
      times.push(now)
      windows.at(now).record(100, 0, false, false)
      if (n % 250 !== 0) continue
      const found = calls(windows, now)
      assert.strictEqual(found["all"], n + 1)
      for (const [window, length] of [["minute", minute], ["hour", hour], ["day", 24 * hour]] as const) {
        const within = (ms: number) => times.filter((at) => at > now - ms).length
        assert.isAtMost(found[window]!, within(length), window)
        assert.isAtLeast(found[window]!, within(length * 0.75), window)
      }
    }
  })

  it("adds up with another's, slot by slot", () => {
    const one = new Windows(start)
    const other = new Windows(start)
    other.at(start).record(100, 0, false, false)
    other.at(start + 30 * minute).record(100, 0, false, false)
    one.at(start + 40 * minute).record(100, 0, false, false)
    const now = start + 40 * minute + 5 * second
    other.at(now).record(100, 0, false, false)
    one.add(other, now)
    assert.deepStrictEqual(calls(one, now), { minute: 2, hour: 4, day: 4, all: 4 })
    assert.deepStrictEqual(calls(one, now + minute), { minute: 0, hour: 4, day: 4, all: 4 })
    assert.deepStrictEqual(calls(one, now + 35 * minute), { minute: 0, hour: 3, day: 4, all: 4 })
  })

  it("goes on when the clock is set back", () => {
    const windows = new Windows(start)
    windows.at(start).record(100, 0, false, false)
    windows.at(start - hour).record(100, 0, false, false)
    assert.strictEqual(calls(windows, start)["all"], 2)
  })
})
