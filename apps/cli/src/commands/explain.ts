import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { api } from "./api.ts"
import { json } from "./json.ts"
import { yes } from "./yes.ts"

export const explain = Command.make("explain", {
  sql: Argument.String("sql").pipe(
    Argument.withDescription("One SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES"),
    Argument.filter((sql) => sql.trim() !== "" && sql.length <= 50_000, () => "Expected 1 to 50,000 characters of SQL")
  ),
  parameter: Flag.String("parameter").pipe(
    Flag.withMetavar("<value>"),
    Flag.withDescription("The value of $1, given again that of $2; without them the plan is for any values"),
    Flag.atLeast(0)
  ),
  analyze: Flag.Boolean("analyze").pipe(
    Flag.withDescription("Run it in a read-only transaction that is rolled back, and say what it took; asks first"),
    Flag.withDefault(false)
  ),
  yes,
  api,
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/explain.ts")), ({ runExplain }) => runExplain(flags)))
  .pipe(
    Command.withShortDescription("How the server would run a statement"),
    Command.withDescription(
      "Asks the server for the plan of a statement, within 5 s. Without --analyze the statement is not run. With it it "
        + "is, where nothing can be written, and that is put into the audit log."
    ),
    Command.withExamples([
      { command: "emsdb explain 'select * from events where id = $1'", description: "For any id" },
      {
        command: "emsdb explain 'select * from events where id = $1' --parameter 7 --analyze",
        description: "Run it for one"
      }
    ])
  )
