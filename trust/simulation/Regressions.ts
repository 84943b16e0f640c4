/** Scenarios that failed once, shrunk and kept: every run begins with them. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Scenario } from "./Scenario.ts"

const directory = path.join(import.meta.dirname, "regressions")

export interface Regression {
  /** What was wrong when it was found. */
  readonly flaws: ReadonlyArray<string>
  readonly scenario: Scenario
}

/** By the name of the file, without its ending. */
export const regressions = (): ReadonlyMap<string, Regression> =>
  new Map(
    (fs.existsSync(directory) ? fs.readdirSync(directory) : []).filter((name) => name.endsWith(".json")).toSorted().map(
      (name) => [
        path.basename(name, ".json"),
        JSON.parse(fs.readFileSync(path.join(directory, name), "utf8")) as Regression
      ]
    )
  )

/** Gives the file it was written to. A smaller one that is there already stays. */
export const keep = (regression: Regression): string => {
  fs.mkdirSync(directory, { recursive: true })
  const file = path.join(directory, `${regression.scenario.seed}.json`)
  const text = `${JSON.stringify(regression, undefined, 2)}\n`
  if (!fs.existsSync(file) || fs.readFileSync(file, "utf8").length > text.length) fs.writeFileSync(file, text)
  return path.relative(process.cwd(), file)
}
