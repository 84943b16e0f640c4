import * as DbConfig from "@ems/db-core/config/DbConfig"
import { DbConfigError } from "@ems/db-core/config/DbConfigError"
import { examine } from "@ems/db-core/doctor/Doctor"
import { Doctor, type DoctorStep } from "@ems/schema/contract/Doctor"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Findings } from "../Findings.ts"
import { count, duration, print } from "../Output.ts"
import { type Screen, screen } from "../Screen.ts"
import { plain } from "../Table.ts"

const marks: Readonly<Record<DoctorStep["status"], string>> = {
  ok: "ok",
  warning: "warning",
  failed: "FAILED",
  skipped: "-"
}

/** Of the step's name and its mark, with a space behind each. */
const indent = 25

/** Words on lines that are not longer than `width`; a word that is longer stands alone. */
const wrapped = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of plain(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Below its step, hanging behind `head`. */
const hanging = (head: string, text: string, width: number): ReadonlyArray<string> =>
  wrapped(text, Math.max(20, width - head.length)).map((line, at) =>
    `${at === 0 ? head : " ".repeat(head.length)}${line}`.trimEnd()
  )

const stepLines = ({ advice, name, seen, status, summary }: DoctorStep, width: number): ReadonlyArray<string> => {
  const head = `${name.padEnd(15)} ${marks[status].padEnd(8)} `
  const facts = Object.entries(seen).filter(([, value]) => value !== null && value !== "")
    .map(([fact, value]) => `${fact} ${value === true ? "yes" : value === false ? "no" : value}`)
  const below = " ".repeat(indent)
  return [
    ...hanging(head, summary, width),
    ...(facts.length === 0 ? [] : hanging(`${below}  `, facts.join(" | "), width)),
    ...advice.flatMap((text) => hanging(`${below}${status === "ok" ? "could do: " : "to do: "}`, text, width))
  ]
}

/** Steps that rest on one that failed: one line for all of them. */
const untaken = (steps: ReadonlyArray<DoctorStep>, width: number): ReadonlyArray<string> => {
  const names = steps.filter(isUntaken).map(({ name }) => name)
  const summary = steps.find(isUntaken)?.summary
  return summary === undefined ? [] : hanging(`not taken: `, `${names.join(", ")}: ${summary}`, width)
}

const isUntaken = ({ status, summary }: DoctorStep): boolean => status === "skipped" && !isElsewhere(summary)

/** What does not apply here is not worth a person's line. */
const isElsewhere = (summary: string): boolean => summary.startsWith("not applicable")

const lines = ({ durationMs, steps }: Doctor, screen: Screen): ReadonlyArray<string> => {
  const of = (status: DoctorStep["status"]) => steps.filter((step) => step.status === status).length
  const width = Math.min(100, screen.width)
  return [
    ...steps.filter(({ status }) => status !== "skipped").flatMap((step) => stepLines(step, width)),
    ...untaken(steps, width),
    `${count(steps.length, "step")} in ${duration(durationMs)}: ${of("ok")} ok, ${count(of("warning"), "warning")}, ${
      of("failed")
    } failed, ${of("skipped")} skipped`
  ]
}

/** A setting's text may be missing, or not text at all: both are the configuration's fault. */
const configured = DbConfig.fromEnvironment.pipe(
  Effect.catchTag(
    "ConfigError",
    () => Effect.fail(new DbConfigError({ key: "environment", value: "<not shown>", expected: "plain text settings" }))
  ),
  Effect.result
)

export const runDoctor = Effect.fn("emsdb.doctor")(function*(options: { readonly json: boolean }) {
  const settings = yield* configured
  const report: Doctor = yield* examine(settings)
  yield* print(Doctor, report, { json: options.json, lines: lines(report, yield* screen) })
  if (Result.isFailure(settings)) return yield* settings.failure
  switch (report.verdict) {
    case "ok":
      return
    case "findings":
      return yield* new Findings({ verdict: "findings" })
    default: {
      // On stdout are host and user; stderr goes to logs, and says no more than the other commands.
      const broken = report.steps.find(({ status }) => status === "failed")
      return yield* new Findings({
        verdict: "unusable",
        text: `no connection: the step ${broken?.name ?? "authentication"} failed`
      })
    }
  }
})
