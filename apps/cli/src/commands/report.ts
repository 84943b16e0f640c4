import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"

export const report = Command.make("report", {
  out: Flag.String("out").pipe(
    Flag.withMetavar("<file>"),
    Flag.withDescription("Where it is written, - for stdout; without it emsdb-report-<database>-<date>.html, here"),
    Flag.filter((file) => file !== "", () => "Expected the name of a file"),
    Flag.optional
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Write over a file that is there"),
    Flag.withDefault(false)
  ),
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/report.ts")), ({ runReport }) => runReport(flags)))
  .pipe(
    Command.withShortDescription("All that is known, as one HTML file for a colleague"),
    Command.withDescription(
      "Writes status, findings with their evidence and remedy, queries, locks, tables, space, indexes, vacuum, settings, "
        + "connections and migrations into one file that needs no network. Statements are without their values. What "
        + "could not be looked at is said in its place. Exit code 0 whatever is found. --json prints the same parts."
    ),
    Command.withExamples([
      { command: "emsdb report", description: "Into a file of this directory" },
      { command: "emsdb report --out - | ssh colleague 'cat > report.html'", description: "To another machine" }
    ])
  )
