import { Seed } from "@ems/schema/contract/Seed"
import * as Effect from "effect/Effect"
import { cancellable, Interrupted } from "../Cancellation.ts"
import { count, duration, print } from "../Output.ts"
import { shownSteps } from "../progress/Steps.ts"
import { seed, type SeedOptions, type SeedStep } from "../seed/Seed.ts"
import { withDatabase } from "./Db.ts"

export const seedLines = (result: Seed): ReadonlyArray<string> =>
  result.seeded
    ? [
      ...Object.entries(result.rows).map(([table, rows]) => `${table}: ${count(rows, "row")} added`),
      `seeded in ${duration(result.durationMs)}`
    ]
    : [`not seeded: ${result.reason ?? ""}`]

/** Nobody can take back a COMMIT. */
const committing: SeedStep = "committing"

/** Writes the sample, shows how far it is, and says at Ctrl-C what was kept. */
export const seedShown = Effect.fnUntraced(function*(options: SeedOptions, json: boolean) {
  const shown = yield* shownSteps(json)
  return yield* cancellable(seed(options, shown), {
    json,
    status: shown.status,
    leaves: "what is not committed is undone by the server"
  }).pipe(
    Effect.catchTag("Interrupted", () =>
      new Interrupted({
        text: shown.last() === committing
          ? "interrupted while the rows were committed: emsdb tables shows whether they are there"
          : "interrupted; no row was kept"
      }))
  )
}, Effect.scoped)

export const runSeed = Effect.fn("emsdb.seed")(
  function*({ json, ...options }: SeedOptions & { readonly json: boolean }) {
    const result = yield* seedShown(options, json)
    yield* print(Seed, result, { json, lines: seedLines(result) })
  },
  withDatabase
)
