/** The once-a-minute rule, on a clock of its own. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { assert, describe, it } from "vitest"
import { DbConfig } from "../../../src/config/DbConfig.ts"
import { QueryStatistics } from "../../../src/optimizer/statistics/QueryStatistics.ts"

describe("slow statements", () => {
  it("are logged once a minute for each fingerprint, with how many were held back", async () => {
    let now = 1_800_000_000_000
    const clock = Object.assign(Object.create(Effect.runSync(Clock.Clock)) as Clock.Clock, {
      currentTimeMillisUnsafe: () => now
    })
    const lines: Array<string> = []
    const capture = Logger.make((options) => {
      lines.push(Logger.formatLogFmt.log(options))
    })
    await Effect.runPromise(
      Effect.withFiber((fiber) =>
        Effect.gen(function*() {
          const { hooks } = yield* QueryStatistics
          const slow = (sql: string) =>
            hooks.outcome({ sql, params: [], lane: "shared", fiber, durationMs: 1000, rows: 0, error: undefined }) ??
              Effect.void
          yield* slow("select 1 from a where x = 1")
          for (let n = 0; n < 7; n++) yield* slow(`select 1 from a where x = ${n}`)
          yield* slow("select 1 from b")
          now += 59_999
          yield* slow("select 1 from a where x = 1")
          now += 1
          yield* slow("select 1 from a where x = 1")
        })
      ).pipe(
        Effect.provide(
          QueryStatistics.layerNoDeps().pipe(
            Layer.provide(DbConfig.layerOf({ url: "postgres://u@127.0.0.1/d" })),
            Layer.provideMerge(Logger.layer([capture]))
          )
        ),
        Effect.provideService(Clock.Clock, clock)
      )
    )
    assert.deepStrictEqual(
      lines.map((line) => /message="slow SELECT (\w)".*heldBack=(\d+)/.exec(line)?.slice(1)),
      [["a", "0"], ["b", "0"], ["a", "8"]]
    )
  })
})
