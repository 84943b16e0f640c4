/** A person at a terminal: emsdb in a pseudo terminal, which `script` of util-linux makes. */
import { spawn, spawnSync } from "node:child_process"
import { readFileSync, readlinkSync } from "node:fs"
import { program } from "./Emsdb.ts"

/** Where there is no such `script` nobody can type. */
export const hasTerminal = /util-linux/.test(String(spawnSync("script", ["--version"]).stdout))

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** What would wait for ever is given up. Milliseconds. */
const patience = 15_000

/** The pseudo terminal that `script` made for the one process that it started. */
const ttyOf = (script: number | undefined): string => {
  const [child] = readFileSync(`/proc/${script}/task/${script}/children`, "utf8").trim().split(" ")
  return readlinkSync(`/proc/${child}/fd/2`)
}

export const terminal = (
  args: ReadonlyArray<string>,
  databaseUrl: string,
  { columns, more = {}, stdout }: {
    /** Width of the terminal; of one without a size it is not known. */
    readonly columns?: number
    readonly more?: Readonly<Record<string, string>>
    /** The file that stdout goes to, instead of the terminal. */
    readonly stdout?: string
  } = {}
) => {
  const command = // The shell would take signals for itself.
    `${columns === undefined ? "" : `stty cols ${columns} rows 40; `}exec ` +
    [...program, ...args].map(quoted).join(" ") + (stdout === undefined ? "" : ` > ${quoted(stdout)}`)
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      DATABASE_URL: databaseUrl,
      TERM: "xterm",
      SHELL: "/bin/sh",
      LANG: "C.UTF-8",
      ...more
    },
    stdio: ["pipe", "pipe", "inherit"]
  })
  let shown = ""
  let read = 0
  child.stdout.setEncoding("utf8").on("data", (text: string) => shown += text)
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  /** Waits until `text` is shown, behind what was waited for before. */
  const until = async (text: string) => {
    const began = Date.now()
    for (let at = -1; at === -1; at = shown.indexOf(text, read)) {
      if (Date.now() - began > patience) throw new Error(`not shown: ${text}; but: ${JSON.stringify(shown)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    read = shown.indexOf(text, read) + text.length
    // What is typed before the terminal is told not to echo would be echoed.
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return {
    until,
    type: (text: string) => void child.stdin.write(text),
    /** Makes it so many columns wide, as dragging its corner does. */
    resize: (columns: number) => void spawnSync("sh", ["-c", `stty cols ${columns} < ${ttyOf(child.pid)}`]),
    /** All that was written to it so far. */
    shown: () => shown,
    /** Its exit code, and all that the terminal showed. */
    end: async () => ({ code: await ended, shown })
  }
}
