/** What of the pending migrations somebody would be sorry for, by the rules of `migrate lint`. */
import * as Migrator from "@ems/db-core/migration/Migrator"
import * as Effect from "effect/Effect"
import { productMigrations } from "../Migrations.ts"
import { confirm } from "../Questions.ts"

type Found = Migrator.LintResult["findings"][number]

/** Lost for good, however small. */
const destroys: ReadonlySet<string> = new Set(["ban-drop-table", "ban-drop-column"])

/** What holds others up for long is an error of its rule. */
export const dangersIn = (findings: ReadonlyArray<Found>): ReadonlyArray<Found> =>
  findings.filter(({ name, severity }) => severity === "error" || destroys.has(name))

const lineOf = ({ evidence, impact, name, summary }: Found): string =>
  `${String(evidence["migration"])}, line ${String(evidence["line"])}: ${summary} (${name}). ${impact}.`

/** Shows them and asks. A comment in the migration accepts one: then nothing is asked. */
export const agreed = Effect.fnUntraced(function*(yes: boolean) {
  if (yes) return
  const dangers = dangersIn((yield* Migrator.lint(productMigrations)).findings)
  const [first] = dangers
  if (first === undefined) return
  const more = dangers.length > 1 ? ` (and ${dangers.length - 1} more: emsdb migrate lint)` : ""
  yield* confirm(`Apply the migrations? ${first.summary}${more}.`, { yes, shows: dangers.map(lineOf) })
})
