/** Runs emsdb as its users do: a process, on the runtime that runs the tests. */
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn } from "node:child_process"
import * as path from "node:path"

const folder = path.dirname(import.meta.dirname)
const main = path.join(folder, "src", "main.ts")
/** What starts emsdb on this runtime. */
export const program = process.versions["bun"] === undefined
  ? [process.execPath, path.join(folder, "node_modules", "tsx", "dist", "cli.mjs"), main]
  : [process.execPath, main]

/** In every URL that must not work, so that a leak is seen. */
export const canary = "cAnArY-9f27"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const secretsOf = (url: string | undefined): ReadonlyArray<string> => {
  const password = url === undefined ? undefined : URL.parse(url)?.password
  return password ? [canary, password, decodeURIComponent(password)] : [canary]
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Every run also checks that no password and no stack trace is in what it printed. */
export const start = (
  args: ReadonlyArray<string>,
  databaseUrl: string | undefined,
  more: Readonly<Record<string, string>> = {},
  /** What is piped in; nothing without it. */
  input?: string
): Running => {
  const [command = "", ...rest] = program
  const child = spawn(command, [...rest, ...args], {
    env: {
      PATH: process.env["PATH"] ?? "",
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...more
    },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"]
  })
  child.stdin?.end(input)
  let stdout = ""
  let stderr = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => stdout += text)
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => {
      const leaked = secretsOf(databaseUrl).some((secret) => (stdout + stderr).includes(secret))
      if (leaked) return reject(new Error(`emsdb ${args[0]} printed a password`))
      if (/^\s+at .*[:(]/m.test(stderr)) return reject(new Error(`emsdb ${args[0]} printed a stack trace: ${stderr}`))
      resolve({ code, stdout, stderr })
    })
  })
  return { child, ended }
}

export const emsdb = (
  args: ReadonlyArray<string>,
  databaseUrl?: string,
  more?: Readonly<Record<string, string>>,
  input?: string
): Promise<Ended> => start(args, databaseUrl, more, input).ended

/** The one line of JSON that stdout must be. */
export const oneJson = (text: string): unknown => {
  if (!/^[^\n]+\n$/.test(text)) throw new Error(`not one line: ${JSON.stringify(text)}`)
  return JSON.parse(text)
}

/** What `--json` printed, by its contract and nothing beside it. */
export const decoded = <A, I>(schema: Schema.Codec<A, I>, { code, stderr, stdout }: Ended): A => {
  if (stderr !== "") throw new Error(`exit code ${code}: ${stderr}`)
  return Schema.decodeUnknownSync(schema)(oneJson(stdout), { onExcessProperty: "error" })
}
