/** Runs the doctor as a program would, and finds steps in what it says. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import * as DbConfig from "../../src/config/DbConfig.ts"
import { type DoctorReport, examine } from "../../src/doctor/Doctor.ts"
import type { StepName, StepReport } from "../../src/doctor/Step.ts"

export interface Examined extends DoctorReport {
  readonly step: (name: StepName) => StepReport
  /** Steps that are not ok, and not merely inapplicable, as `name status`. */
  readonly troubles: ReadonlyArray<string>
}

/** No password of the URL may be in the report, whatever was found. */
export const look = async (
  input: DbConfig.Input,
  around: (effect: Effect.Effect<DoctorReport>) => Effect.Effect<DoctorReport> = (effect) => effect
): Promise<Examined> => {
  const report = await Effect.runPromise(around(examine(DbConfig.make(input))))
  for (const url of [input.url, input.directUrl]) {
    const password = typeof url === "string" ? URL.parse(url)?.password : ""
    if (password) expect(JSON.stringify(report)).not.toContain(password)
  }
  return {
    ...report,
    step: (name) => report.steps.find((step) => step.name === name)!,
    troubles: report.steps
      .filter(({ status, summary }) => status !== "ok" && !summary.startsWith("not applicable"))
      .map(({ name, status }) => `${name} ${status}`)
  }
}

/** `url` with other parts. */
export const changed = (url: string, change: (url: URL) => void): string => {
  const parsed = new URL(url)
  change(parsed)
  return parsed.href
}
