/** Every fault against every data layer, on one server. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type CaseResult, runCase } from "./Case.ts"
import { ChildHandle } from "./ChildHandle.ts"
import { Cluster } from "./Cluster.ts"
import { type ContenderName, ours } from "./contenders/Contender.ts"
import { onBun } from "./contenders/index.ts"
import type { Fault } from "./faults/Fault.ts"
import { faults } from "./faults/index.ts"
import { interruptsOf, interruptsTable } from "./Interrupts.ts"
import type { Options } from "./options.ts"
import { type FaultRow, header, line, statusOf, toJson, totalsOf, totalsTable } from "./Report.ts"
import { makeCanaries } from "./Secrets.ts"
import { missing, Servers } from "./Servers.ts"
import type { SuiteResult } from "./suites.ts"

/** What `--quick` runs: one of each kind, and few that wait for a deadline. */
const quick = new Set(
  ("F05 F06 F06e F07 F08 F09 F60 F01 F10c F14 F19 F22 F26 F27 F28 F76 F58b F59 F66 F73").split(" ")
)

/** The faults that a harness which works must show in these peers. */
const telltales = [
  { contender: "pg", fault: "F59", flaw: "lost" },
  { contender: "sql-pg+isRetryable", fault: "F08", flaw: "doubled" }
] as const

const chosen = (options: Options): ReadonlyArray<Fault> =>
  faults.filter(({ id }) =>
    options.only.length > 0
      ? options.only.some((wanted) => wanted.toLowerCase() === id.toLowerCase())
      : !options.quick || quick.has(id)
  )

const contendersOf = (fault: Fault, options: Options): ReadonlyArray<ContenderName> =>
  options.contenders.filter((name) =>
    !options.quick || options.only.length > 0 || name === ours
    || telltales.some((telltale) => telltale.contender === name && telltale.fault === fault.id)
  )

/** Runs the cases of a fault; a process that broke is replaced. */
class Children {
  private readonly open = new Map<ContenderName, ChildHandle>()

  of(name: ContenderName): ChildHandle {
    const old = this.open.get(name)
    if (old?.alive === true) return old
    const child = new ChildHandle()
    this.open.set(name, child)
    return child
  }

  end(): void {
    for (const child of this.open.values()) child.end()
  }
}

/** A harness in which broken layers look whole proves nothing. */
const harnessProblems = (rows: ReadonlyArray<FaultRow>): ReadonlyArray<string> =>
  telltales.flatMap(({ contender, fault, flaw }) => {
    const results = rows.find((row) => row.fault.id === fault)?.results.get(contender)
    return results === undefined || totalsOf(results)[flaw] > 0
      ? []
      : [`the harness is broken: ${contender} shows nothing ${flaw} in ${fault}`]
  })

export const faultSuite = async (options: Options): Promise<SuiteResult> => {
  const canaries = makeCanaries(options.seed)
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ems-trust-history-"))
  const servers = new Servers(await Cluster.start())
  const children = new Children()
  const rows: Array<FaultRow> = []
  let postgres: unknown
  const columns = options.contenders.filter((name) =>
    chosen(options).some((fault) => contendersOf(fault, options).includes(name))
  )
  console.log(header(columns))
  try {
    postgres = (await servers.main.sql("select current_setting('server_version') as version"))[0]?.["version"]
    for (const fault of chosen(options)) {
      const row: FaultRow = { fault, results: new Map(), skipped: new Map() }
      rows.push(row)
      for (const contender of contendersOf(fault, options)) {
        const reason = contender === "Bun.SQL" && !onBun
          ? "runs on Bun only"
          : fault.skip?.(contender) ?? (fault.server === undefined ? undefined : missing(fault.server))
        if (reason !== undefined) {
          row.skipped.set(contender, reason)
          continue
        }
        const results: Array<CaseResult> = []
        for (let run = 0; run < (contender === ours ? options.runs : 1); run++) {
          const scale = contender === ours && !options.quick ? options.scale : 1
          const given = { fault, contender, canaries, directory, seed: options.seed + run, scale }
          const result = await servers.lend(
            fault.server,
            (cluster, standby) => runCase({ ...given, cluster, standby }, children.of(contender))
          )
          results.push(result)
          if (options.verbose) {
            const { findings, verdict, ...rest } = result
            console.log(`  ${contender} ${result.spentMs} ms`, {
              ...rest,
              ...findings,
              acknowledged: verdict.acknowledged,
              unknown: verdict.unknown
            })
          }
        }
        row.results.set(contender, results)
      }
      console.log(line(row, columns))
      const { reason, status } = statusOf(row, ours)
      if (status !== "passed" && reason !== undefined) console.log(`      ${ours} ${status}: ${reason}`)
    }
  } finally {
    children.end()
    await servers.end()
  }
  console.log(`\n${totalsTable(rows, columns)}`)
  const interrupts = interruptsOf(rows)
  if (interrupts !== undefined) console.log(`\n${interruptsTable(interrupts)}`)
  const mine = rows.filter((row) => row.results.has(ours) || row.skipped.has(ours)).map((row) =>
    statusOf(row, ours).status
  )
  const count = (status: string) => mine.filter((one) => one === status).length
  console.log(
    `\n${ours}: ${count("passed")} faults passed, ${count("failed")} failed, ${count("void")} void, ${
      count("skipped")
    } skipped`
  )
  const problems = harnessProblems(rows)
  for (const problem of problems) console.error(problem)
  const passed = problems.length === 0 && count("failed") + count("void") === 0
  // The histories of a run that failed are what one wants to look at.
  if (passed) fs.rmSync(directory, { recursive: true, force: true })
  else console.log(`histories: ${directory}`)
  return { passed, json: { postgres, ...toJson(rows, columns) } }
}
