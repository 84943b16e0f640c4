/** The committed page: several runs side by side. */
import { apiSection } from "./api/apiSection.ts"
import { cacheSection } from "./cache/cacheSection.ts"
import { type ContenderName, contenderNames, moments, ours } from "./contenders/Contender.ts"
import { grouped, table } from "./markdown.ts"
import type { Totals } from "./Report.ts"
import { type Column, columnOf, onBunRun, type RunFile } from "./RunFile.ts"

interface Named {
  readonly name: string
  readonly column: Column
  readonly ours: boolean
}

/** Ours once for each runtime, a peer once: from the first run that has it. */
const columnsOf = (runs: ReadonlyArray<RunFile>): ReadonlyArray<Named> => {
  const first = (of: ReadonlyArray<RunFile>, contender: ContenderName, name: string): ReadonlyArray<Named> => {
    const column = of.map((run) => columnOf(run, contender)).find((found) => found !== undefined)
    return column === undefined ? [] : [{ name, column, ours: contender === ours }]
  }
  return [
    ...first(runs.filter(onBunRun), ours, `${ours}, Bun`),
    ...first(runs.filter((run) => !onBunRun(run)), ours, `${ours}, Node`),
    ...contenderNames.filter((name) => name !== ours).flatMap((name) => first(runs, name, name))
  ]
}

const words: ReadonlyArray<readonly [key: keyof Totals, text: string]> = [
  ["operations", "operations"],
  ["acknowledged", "acknowledged"],
  ["unknown", "ended as unknown"],
  ["lost", "LOST"],
  ["doubled", "DOUBLE"],
  ["lied", "LIED"],
  ["wrongResolutions", "WRONG"],
  ["leakedBackends", "LEAKED"],
  ["unhandledRejections", "UNHANDLED"],
  ["secretsFound", "SECRET"],
  ["strangersCancelled", "STRANGER"],
  ["hung", "HUNG"],
  ["crashed", "CRASHED"],
  ["deadlineOverrunMaxMs", "beyond the deadline, at most, ms"],
  ["stallMaxMs", "event loop stood still, at most, ms"],
  ["lateMaxMs", "beyond the deadline without that, at most, ms"],
  ["recoveryMaxMs", "until it worked again, at most, ms"]
]

const totals = (columns: ReadonlyArray<Named>): string => {
  const counted = (status: string) =>
    columns.map(({ column }) => column.faults.filter((fault) => fault.status === status).length)
  return table(["", ...columns.map(({ name }) => name)], [
    ...["passed", "failed", "void", "skipped"].map((status) => [`faults ${status}`, ...counted(status)]),
    ...words.map(([key, text]) => [text, ...columns.map(({ column }) => grouped(column.totals[key] ?? 0))])
  ])
}

const faults = (columns: ReadonlyArray<Named>): string => {
  const names = new Map(columns.flatMap(({ column }) => column.faults.map(({ id, name }) => [id, name] as const)))
  const cell = (id: string, { column, ours: mine }: Named): string => {
    const fault = column.faults.find((one) => one.id === id)
    if (fault === undefined || fault.status === "skipped") return "–"
    // How many operations met the fault says something of ours only: the peers were offered fewer.
    return fault.status === "passed" && !mine ? "ok" : fault.shown
  }
  return table(
    ["id", "fault", ...columns.map(({ name }) => name)],
    [...names].map(([id, name]) => [id, name, ...columns.map((column) => cell(id, column))])
  )
}

/** Ours, by what kept a fault from passing; a reason that both runtimes give is told once. */
const notPassed = (columns: ReadonlyArray<Named>): string => {
  const lines = new Set(
    columns.filter((column) => column.ours).flatMap(({ column, name }) =>
      column.faults.flatMap((fault) =>
        fault.status === "passed"
          ? []
          : [
            `- ${fault.id}, ${fault.name}: ${fault.status}, ${fault.reason ?? ""}`
            + (fault.status === "skipped" ? "" : ` (${name})`)
          ]
      )
    )
  )
  return lines.size === 0 ? "Every fault was run against ours, and passed." : `Not passed:\n\n${[...lines].join("\n")}`
}

const interrupts = (runs: ReadonlyArray<RunFile>): string => {
  const rows = runs.flatMap(({ interrupts, runtime }) =>
    interrupts === undefined ? [] : (["tcp", "neon"] as const).map((way) => [
      `${way === "tcp" ? "TCP" : "Neon stand-in"}, ${runtime}`,
      ...moments.map((moment) => interrupts[way][moment]),
      interrupts[way].other,
      interrupts[way].leaked
    ])
  )
  if (rows.length === 0) return "Not in these runs."
  const cancelled = runs.flatMap(({ interrupts, runtime }) => {
    if (interrupts === undefined || interrupts.cancels === 0) return []
    const { activeAfterCancelMs: { max, p50, stallMs }, cancels, strangers } = interrupts
    return [
      `- ${runtime}: ${cancels} running statements cancelled, ${strangers} of other callers hit. The server showed them `
      + `as active for ${p50} ms after the interrupt (p50), ${max} ms at most; the event loop stood still for ${stallMs} ms `
      + "at most."
    ]
  })
  return `${table(["interrupted while it", ...moments, "not certain", "leaked"], rows)}\n\n${cancelled.join("\n")}`
}

const simulations = (runs: ReadonlyArray<RunFile>): string => {
  const rows = runs.flatMap(({ runtime, seed, simulation }) =>
    simulation === undefined
      ? []
      : [[runtime, seed, grouped(simulation.seeds), simulation.failed, grouped(simulation.operations)]]
  )
  return rows.length === 0
    ? "Not in these runs."
    : table(["runtime", "first seed", "seeds", "failed", "operations"], rows)
}

const made = (runs: ReadonlyArray<RunFile>): string =>
  table(
    ["run", "date", "seed", "Postgres", "commit", "machine"],
    runs.map(({ date, environment: { commit, cores, platform }, postgres, runtime, seed }) => [
      runtime,
      date.slice(0, 10),
      seed,
      postgres ?? "–",
      commit,
      `${cores} cores, ${platform}`
    ])
  )

/** Markdown; the same runs give the same text. */
export const documentOf = (runs: ReadonlyArray<RunFile>): string => {
  const columns = columnsOf(runs)
  const versions = new Map(runs.flatMap(({ environment }) => Object.entries(environment.packages)))
  return `# Trust

What \`pnpm trust\` found, written by \`pnpm trust report\` from its \`--json\` files; not to be edited by hand.

${made(runs)}

Packages: ${[...versions].map(([name, version]) => `${name} ${version}`).join(", ")}.

## Totals

${totals(columns)}

What must be 0 is written in capitals. Ours is offered more operations under each fault than the peers, so compare which
of them are 0 and not how large the others are.

## Interrupts

${interrupts(runs)}

## Simulation

${simulations(runs)}

## Query cache

Random histories under faults, with processes beside each other and one that writes past all of them; a promise is
broken by an answer that lacks what it must have, or is of no moment at all. Peers are allowed what ours promises.

${cacheSection(runs)}

## API

A server process over HTTP: every operation with every credential, requests made from its OpenAPI document and spoiled,
four times what it can do, SIGTERM under load.

${apiSection(runs)}

## Faults

A cell of ours is \`ok acknowledged/operations ?unknown\`, one of a peer \`ok\` or what was found; \`–\` where it does
not apply or cannot run. [trust/README.md](../trust/README.md) says what each word means, how a fault is run, how
the peers are used, and what none of this shows.

${faults(columns)}

${notPassed(columns)}
`
}
