/** The end of somebody's statement or session. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { api } from "./api.ts"
import { json } from "./json.ts"
import { whole } from "./whole.ts"
import { yes } from "./yes.ts"

const run = Effect.promise(() => import("../run/signal.ts"))

/** Postgres's process ids. */
const mostPid = 2 ** 31 - 1

const pid = Argument.String("pid").pipe(
  Argument.withDescription("The process of the session, as emsdb locks and pg_stat_activity have it"),
  Argument.filterMap((text) => whole(text, 1, mostPid), () => `Expected a whole number from 1 to ${mostPid}`)
)

const reason = Flag.String("reason").pipe(
  Flag.withMetavar("<text>"),
  Flag.withDescription("Why, for the audit log"),
  Flag.filter((text) => text.trim() !== "" && text.length <= 200, () => "Expected 1 to 200 characters"),
  Flag.optional
)

export const cancel = Command.make(
  "cancel",
  { pid, reason, api, json },
  (flags) => Effect.flatMap(run, ({ runCancel }) => runCancel(flags))
).pipe(
  Command.withShortDescription("Cancel what a session runs"),
  Command.withDescription(
    "Sends pg_cancel_backend and looks for 2 s whether the statement is over. The session stays. Exit code 1 when the "
      + "statement goes on."
  ),
  Command.withExamples([{ command: "emsdb cancel 4711", description: "End a statement" }])
)

export const kill = Command.make(
  "kill",
  { pid, reason, yes, api, json },
  (flags) => Effect.flatMap(run, ({ runKill }) => runKill(flags))
).pipe(
  Command.withShortDescription("End a session"),
  Command.withDescription(
    "Shows the session, asks, sends pg_terminate_backend, and looks for 2 s whether it is gone. Its transaction is "
      + "rolled back. The reason is asked for where it is not given. Exit code 1 when the session is still there."
  ),
  Command.withExamples([
    { command: "emsdb kill 4711", description: "Asks why, and whether" },
    { command: "emsdb kill 4711 --reason 'holds up checkout' --yes", description: "In a script" }
  ])
)
