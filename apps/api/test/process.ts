/** The server as a process of its own, on Bun whatever runs the tests. */
import { type ChildProcess, spawn } from "node:child_process"
import * as path from "node:path"

const api = path.join(import.meta.dirname, "..")
const bun = path.join(api, "../../node_modules/.bin/bun")

export interface Run {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  readonly exit: Promise<number | null>
  /** `http://127.0.0.1:<port>`, once it listens. */
  readonly url: Promise<string>
}

/** Runs `file` with nothing in the environment but `env`. */
export const runFile = (file: string, env: Record<string, string>): Run => {
  // Variables of a file would hide what a test leaves out.
  const child = spawn(bun, ["--no-env-file", file], { cwd: api, env: { PATH: process.env["PATH"] ?? "", ...env } })
  let stdout = ""
  let stderr = ""
  const exit = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)))
  const url = new Promise<string>((resolve, reject) => {
    child.stdout?.on("data", (data: Buffer) => {
      stdout += data.toString()
      const found = /listening on (http:\/\/[\d.]+:\d+)/.exec(stdout)
      if (found?.[1] !== undefined) resolve(found[1])
    })
    child.stderr?.on("data", (data: Buffer) => {
      stderr += data.toString()
    })
    void exit.then((code) => reject(new Error(`exit ${code} before it listened: ${stderr}`)))
  })
  url.catch(() => undefined)
  return { child, stdout: () => stdout, stderr: () => stderr, exit, url }
}

export const runServer = (env: Record<string, string>): Run => runFile("src/main.ts", { PORT: "0", ...env })
