/** What `pnpm trust` runs, by name. */
import * as fs from "node:fs"
import * as path from "node:path"
import { faultSuite } from "./faultSuite.ts"
import type { Options } from "./options.ts"

export interface SuiteResult {
  readonly passed: boolean
  /** Becomes part of the file that `--json` writes. */
  readonly json: Readonly<Record<string, unknown>>
}

export type Suite = (options: Options) => Promise<SuiteResult>

const simulation = path.join(import.meta.dirname, "simulation", "main.ts")

/** Those that are there. A module of a suite exports it as `suite`. */
export const suites: ReadonlyMap<string, Suite> = new Map<string, Suite>([
  ["faults", faultSuite],
  ...fs.existsSync(simulation)
    ? [
      ["simulation", async (options: Options) => {
        const module = await import(simulation) as { readonly suite: Suite }
        return module.suite(options)
      }] as const
    ]
    : []
])
