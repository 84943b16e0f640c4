import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"
import { whole } from "./whole.ts"
import { yes } from "./yes.ts"

const number = (name: string, metavar: string, most: number, description: string, otherwise: number) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.filterMap((text) => whole(text, 1, most), () => `Expected a whole number from 1 to ${most}`),
    Flag.withDefault(otherwise)
  )

export const bench = Command.make("bench", {
  seconds: number("seconds", "<1-60>", 60, "How long all of it takes; each measure gets an equal part. Default 5", 5),
  clients: number("clients", "<1-100>", 100, "How many read and write at a time. Default 8", 8),
  write: Flag.Boolean("write").pipe(
    Flag.withDescription("Transactions too, on a table that is made for it and dropped again; asks first"),
    Flag.withDefault(false)
  ),
  yes,
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/bench.ts")), ({ runBench }) => runBench(flags))).pipe(
  Command.withShortDescription("How fast the database answers from here"),
  Command.withDescription(
    "Measures the round trip, how fast connections are opened, and reads by key through the pool with one client and "
      + "with several; with --write transactions too. Reads Postgres's catalogs, never a table of the product."
  ),
  Command.withExamples([
    { command: "emsdb bench", description: "Five seconds of reads" },
    { command: "emsdb bench --write --clients 16 --seconds 20 --yes", description: "With writes, in a script" }
  ])
)
