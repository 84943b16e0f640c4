/** The package of emsdb as its users get it: built, packed, and installed by npm in a folder whose name has a space. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { canary, type Ended, program } from "./Emsdb.ts"

/** What is run instead of the program's source, on the runtime that runs the tests. */
const on = (file: string): ReadonlyArray<string> => [...program.slice(0, -1), file]

const run = (command: ReadonlyArray<string>, cwd: string): string => {
  const { status, stderr, stdout } = spawnSync(command[0] ?? "", command.slice(1), { cwd, encoding: "utf8" })
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`)
  return stdout
}

export interface RunOptions {
  readonly url?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  /** What is piped in; nothing without it. */
  readonly input?: string
  /** Of the runtime, before the file. */
  readonly flags?: ReadonlyArray<string>
}

/** Runs a built file, and throws when it printed a secret, the code of the program or a stack trace. */
export const runFile = (
  file: string,
  args: ReadonlyArray<string>,
  { env = {}, flags = [], input = "", url }: RunOptions = {}
): Ended => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [...flags, file, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...(url === undefined ? {} : { DATABASE_URL: url }), ...env },
    input,
    encoding: "utf8"
  })
  const all = stdout + stderr
  if (all.includes(canary)) throw new Error(`emsdb ${args[0]} printed a secret`)
  if (/^\s+at .*[:(]/m.test(all) || all.split("\n").some((line) => line.length > 100_000)) {
    throw new Error(`emsdb ${args[0]} printed its code: ${stderr.slice(-1000)}`)
  }
  return { code: status, stdout, stderr }
}

export interface Built {
  readonly folder: string
  /** The file alone, without the packages that it can do without. */
  readonly alone: string
  /** The same, installed. */
  readonly installed: string
  /** The folder of the package. */
  readonly dist: string
  readonly close: () => void
}

export const build = (): Built => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ems cli "))
  const dist = path.join(folder, "dist")
  run([...on(path.join(import.meta.dirname, "../build/main.ts")), dist], folder)
  const alone = path.join(folder, "alone", "emsdb.mjs")
  fs.mkdirSync(path.dirname(alone))
  fs.copyFileSync(path.join(dist, "emsdb.mjs"), alone)
  const home = path.join(folder, "home")
  fs.mkdirSync(home)
  fs.writeFileSync(path.join(home, "package.json"), "{}")
  const tarball = run(["npm", "pack", "--silent", "--pack-destination", folder], dist).trim()
  run(
    ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--silent", path.join(folder, tarball)],
    home
  )
  return {
    folder,
    alone,
    installed: path.join(home, "node_modules", ".bin", "emsdb"),
    dist,
    close: () => fs.rmSync(folder, { recursive: true, force: true })
  }
}
