/** What `pnpm trust` runs, by name. */
import { apiSuite } from "./api/suite.ts"
import { cacheSuite } from "./cache/suite.ts"
import { faultSuite } from "./faultSuite.ts"
import { maintenanceSuite } from "./maintenance/suite.ts"
import type { Options } from "./options.ts"
import { suite as simulationSuite } from "./simulation/main.ts"

export interface SuiteResult {
  readonly passed: boolean
  /** Becomes part of the file that `--json` writes. */
  readonly json: Readonly<Record<string, unknown>>
}

export type Suite = (options: Options) => Promise<SuiteResult>

export const suites: ReadonlyMap<string, Suite> = new Map([
  ["faults", faultSuite],
  ["simulation", simulationSuite],
  ["cache", cacheSuite],
  ["maintenance", maintenanceSuite],
  ["api", apiSuite]
])
