import type { StatementWindow } from "@ems/db-core/catalog/StatementReport"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { api } from "./api.ts"
import { json } from "./json.ts"
import { type Columns, limit } from "./listFlags.ts"
import { whole } from "./whole.ts"

const windows = ["1h", "24h", "all"] as const satisfies Columns<StatementWindow>

/** As for EMS_SLOW_QUERY_MS. */
const mostMs = 3_600_000

export const slow = Command.make("slow", {
  threshold: Flag.String("threshold").pipe(
    Flag.withMetavar("<ms>"),
    Flag.withDescription("What takes at least so long is slow; without it EMS_SLOW_QUERY_MS, which is 1000"),
    Flag.filterMap((text) => whole(text, 0, mostMs), () => `Expected a whole number from 0 to ${mostMs}`),
    Flag.optional
  ),
  window: Flag.Literals("window", windows).pipe(
    Flag.withDescription("Of what was counted: the last hour, the last day, or all that is kept"),
    Flag.withDefault("1h")
  ),
  limit,
  api,
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/slow.ts")), ({ runSlow }) => runSlow(flags))).pipe(
  Command.withShortDescription("Which statements are slow, and what to do next"),
  Command.withDescription(
    "Shows the statements of clients that run now for longer than the threshold, and those whose mean is over it by "
      + "what pg_stat_statements counted. It is a list: exit code 0 whatever is in it, 1 when neither could be looked at."
  ),
  Command.withExamples([
    { command: "emsdb slow", description: "Now and in the last hour" },
    { command: "emsdb slow --threshold 200 --window 24h", description: "Stricter, and for a day" }
  ])
)
