import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { longest, shortest } from "../top/View.ts"
import { api } from "./api.ts"
import { json } from "./json.ts"
import { whole } from "./whole.ts"

const mostLooks = 1_000_000

export const top = Command.make(
  "top",
  {
    interval: Flag.String("interval").pipe(
      Flag.withMetavar(`<${shortest}-${longest}>`),
      Flag.withDescription("Seconds between two looks"),
      Flag.filterMap(
        (text) => whole(text, shortest, longest),
        () => `Expected a whole number from ${shortest} to ${longest}`
      ),
      Flag.withDefault(2)
    ),
    count: Flag.String("count").pipe(
      Flag.withMetavar(`<1-${mostLooks}>`),
      Flag.withDescription("Looks, then it ends; without it, it goes on until q, Ctrl-C or a signal"),
      Flag.filterMap((text) => whole(text, 1, mostLooks), () => `Expected a whole number from 1 to ${mostLooks}`),
      Flag.optional
    ),
    api,
    json
  },
  ({ count, ...flags }) =>
    Effect.flatMap(
      Effect.promise(() => import("../run/top.ts")),
      ({ runTop }) => runTop({ ...flags, count: Option.getOrUndefined(count) })
    )
).pipe(
  Command.withShortDescription("Who works in the server, live"),
  Command.withDescription(
    "Shows what the server does since the last look: transactions, rows, cache hits and log a second, connections, waits, "
      + "who holds up whom, and the sessions at work, without the values of their statements. Keys: q quits, space "
      + "pauses, s sorts otherwise, + and - change the interval. Where stdout is no terminal it prints one look after the "
      + "other. A server that stops answering does not end the live view; otherwise the exit code is 3."
  ),
  Command.withExamples([
    { command: "emsdb top", description: "Until q" },
    { command: "emsdb top --interval 10 --json >> top.jsonl", description: "A record, one line every ten seconds" },
    { command: "emsdb top --count 2", description: "Two looks: rates are of the time between two" }
  ])
)
