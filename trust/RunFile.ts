/** What `--json` writes, as far as the document is made from it. */
import * as fs from "node:fs"
import type { Figures } from "./api/Case.ts"
import type { CacheFile } from "./cache/CacheFile.ts"
import { type ContenderName, ours } from "./contenders/Contender.ts"
import type { Environment } from "./Environment.ts"
import type { Interrupts } from "./Interrupts.ts"
import type { Status, Totals } from "./Report.ts"

export interface FaultLine {
  readonly id: string
  readonly name: string
  readonly runs: number
  readonly status: Status
  readonly reason?: string
  /** The cell of the table. */
  readonly shown: string
}

export interface Column {
  readonly faults: ReadonlyArray<FaultLine>
  readonly totals: Totals
}

export interface Simulation {
  readonly seeds: number
  readonly failed: number
  readonly operations: number
}

export interface RunFile extends Column {
  readonly runtime: string
  readonly seed: number
  readonly date: string
  readonly environment: Environment
  readonly postgres?: string
  readonly interrupts?: Interrupts
  readonly simulation?: Simulation
  readonly cache?: CacheFile
  readonly api?: Figures & { readonly cases: number; readonly broken: number }
  readonly peers?: Readonly<Record<string, Column>>
}

export const readRun = (file: string): RunFile => {
  // A cast: the file is this program's own.
  const run = JSON.parse(fs.readFileSync(file, "utf8")) as Partial<RunFile>
  if (run.runtime === undefined || run.environment === undefined) throw new Error(`${file} was not written by --json`)
  return run as RunFile
}

export const onBunRun = (run: RunFile): boolean => run.runtime.startsWith("Bun")

/** What a run says about a data layer; nothing when it was not in it. */
export const columnOf = (run: RunFile, name: ContenderName): Column | undefined => {
  const column = name === ours ? (run.faults === undefined ? undefined : run) : run.peers?.[name]
  return column !== undefined && column.faults.some(({ runs }) => runs > 0) ? column : undefined
}
