/**
 * How long the built emsdb takes to begin, beside its runtime doing nothing and beside the smallest program of effect/cli
 * built the same way; and how long it looks at a database with sample data.
 */
import { startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { spawn, spawnSync } from "node:child_process"
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import type { BenchOptions } from "./options.ts"
import { among, atMost, type Outcome, print } from "./Part.ts"
import { type Measured, median } from "./Side.ts"

const root = path.dirname(import.meta.dirname)
const bun = process.execPath

/** Seconds that `check` may take. */
const patience = 2

/** Runs of a command that make one figure. */
const runs = 3

const isNewEnough = (node: string): boolean => {
  const [major = 0, minor = 0] = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.slice(1).split(".")
    .map(Number) ?? []
  return major > 22 || (major === 22 && minor >= 19)
}

/** The one of the machine, or the one that `npm run test:node` has installed. */
const findNode = (): string => {
  const node = ["node", ...globSync(path.join(root, ".data/node/*/node_modules/*/bin/node"))].find(isNewEnough)
  if (node === undefined) throw new Error("there is no Node 22.19 or newer: npm run test:node installs one")
  return node
}

const built = (directory: string, name: string, ...program: ReadonlyArray<string>): string => {
  const folder = path.join(directory, name)
  const { status, stderr } = spawnSync(bun, ["apps/cli/build/main.ts", folder, ...program], {
    cwd: root,
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`the build of ${name}: ${stderr}`)
  return path.join(folder, "emsdb.mjs")
}

interface Command {
  readonly name: string
  readonly argv: ReadonlyArray<string>
}

/** Milliseconds from start to end. */
const once = ({ argv: [file = "", ...args], name }: Command, url: string, codes: ReadonlyArray<number>) =>
  new Promise<number>((resolve, reject) => {
    const began = performance.now()
    const child = spawn(file, args, {
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", DATABASE_URL: url },
      stdio: ["ignore", "ignore", "inherit"]
    })
    child.once("error", reject)
    child.once("close", (code) =>
      codes.includes(code ?? -1)
        ? resolve(performance.now() - began)
        : reject(new Error(`${name} ended with ${code}`)))
  })

/** In turn, round by round. */
const measure = async (
  commands: ReadonlyArray<Command>,
  { codes = [0], rounds, url = "" }: {
    readonly rounds: number
    readonly url?: string
    readonly codes?: ReadonlyArray<number>
  }
): Promise<ReadonlyArray<Measured>> => {
  const figures = commands.map(() => [] as Array<number>)
  const stalls = commands.map(() => 0)
  for (const command of commands) await once(command, url, codes)
  for (let round = 0; round < rounds; round++) {
    for (const [at, command] of commands.entries()) {
      let last = performance.now()
      // This process waits for another one: what holds it up is what else the machine does.
      const ticker = setInterval(() => {
        const now = performance.now()
        stalls[at] = Math.max(stalls[at] ?? 0, now - last - 10)
        last = now
      }, 10)
      const took: Array<number> = []
      for (let run = 0; run < runs; run++) took.push(await once(command, url, codes))
      figures[at]?.push(median(took))
      clearInterval(ticker)
    }
  }
  return commands.map(({ name }, at) => ({
    name,
    rounds: figures[at] ?? [],
    median: median(figures[at] ?? []),
    stallMs: stalls[at] ?? 0
  }))
}

const within = ({ median: ms, name }: Measured): Outcome => ({
  what: name,
  figure: `${(ms / 1000).toFixed(2)} s`,
  goal: `at most ${patience} s`,
  isMet: ms <= patience * 1000
})

export const cli = async ({ json, rounds }: BenchOptions): Promise<number> => {
  const node = findNode()
  const directory = mkdtempSync(path.join(tmpdir(), "ems-bench-"))
  const postgres = await startPostgres({ dataDir: path.join(directory, "pg"), durable: false })
  try {
    const emsdb = built(directory, "emsdb")
    const empty = built(directory, "empty", "apps/cli/test/fixtures/empty.ts")
    const starts = await measure([
      { name: "node -e 0", argv: [node, "-e", "0"] },
      { name: "emsdb --help, Node", argv: [node, emsdb, "--help"] },
      { name: "an empty program, Node", argv: [node, empty, "--help"] },
      { name: "emsdb --help, Bun", argv: [bun, emsdb, "--help"] },
      { name: "an empty program, Bun", argv: [bun, empty, "--help"] }
    ], { rounds })
    const of = among(starts)
    await once({ name: "emsdb init", argv: [bun, emsdb, "init", "--seed", "--json"] }, postgres.url, [0])
    const checks = await measure([
      { name: "emsdb check, Node", argv: [node, emsdb, "check", "--json"] },
      { name: "emsdb check, Bun", argv: [bun, emsdb, "check", "--json"] }
      // A server that keeps nothing safe has settings that are findings.
    ], { rounds: Math.min(rounds, 5), url: postgres.url, codes: [0, 1] })
    const parts = [
      {
        title: "cli: milliseconds from start to end, the built file",
        measured: starts,
        seen: [`Node ${spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()}, Bun ${Bun.version}`],
        outcomes: [
          atMost("emsdb --help on Node, of node -e 0", of("emsdb --help, Node", "node -e 0"), 5),
          atMost("emsdb --help on Bun, of an empty program", of("emsdb --help, Bun", "an empty program, Bun"), 2)
        ]
      },
      {
        title: "cli: the checks on a database with sample data, milliseconds",
        measured: checks,
        seen: [],
        outcomes: checks.map(within)
      }
    ]
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(parts, undefined, 2)}\n`)
    let missed = 0
    for (const part of parts) missed += print(part)
    return missed === 0 ? 0 : 1
  } finally {
    await postgres.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
