import { Seed } from "@ems/schema/contract/Seed"
import * as Effect from "effect/Effect"
import { count, duration, print } from "../Output.ts"
import { seed, type SeedOptions } from "../seed/Seed.ts"
import { withDatabase } from "./Db.ts"

export const seedLines = (result: Seed): ReadonlyArray<string> =>
  result.seeded
    ? [
      ...Object.entries(result.rows).map(([table, rows]) => `${table}: ${count(rows, "row")} added`),
      `seeded in ${duration(result.durationMs)}`
    ]
    : [`not seeded: ${result.reason ?? ""}`]

export const runSeed = Effect.fn("emsdb.seed")(function*(options: SeedOptions & { readonly json: boolean }) {
  const result = yield* seed(options)
  yield* print(Seed, result, { json: options.json, lines: seedLines(result) })
}, withDatabase)
