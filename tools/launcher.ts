/**
 * Notices when the package manager that started us is gone. A signal to `npm` or `npx` does not always reach what they
 * started, and SIGKILL never does: without this, `kill <pid of npm>` leaves the server running.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { basename } from "node:path"

interface Process {
  readonly parent: number
  /** The command line, word by word. npm and pnpm overwrite theirs with a title, which is one word here. */
  readonly words: ReadonlyArray<string>
}

const lookUp = (pid: number): Process | undefined => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The name in parentheses may hold spaces and parentheses itself, so count from the last one.
    return { words, parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) }
  } catch {
    const { stdout } = spawnSync("ps", ["-o", "ppid=,command=", "-p", String(pid)], { encoding: "utf8" })
    const [parent, ...words] = (stdout ?? "").trim().split(/\s+/)
    return parent === undefined || parent === "" ? undefined : { words, parent: Number(parent) }
  }
}

const managers = new Set(["npm", "npx", "pnpm", "bun", "bunx", "npm-cli.js", "npx-cli.js", "pnpm.cjs", "run.mjs"])

type Kind = "launcher" | "shell" | "other"

/** By the program and its script only: a user's shell may well have `npm` somewhere in its command line. */
const kindOf = ({ words }: Process): Kind => {
  const [program = "", script = ""] = words
  const name = basename(program.split(" ")[0] ?? "").replace(/\.exe$/, "") // bun from npm has it on every platform
  if (managers.has(name) || (name === "node" && managers.has(basename(script)))) return "launcher"
  return (name === "sh" || name === "dash" || name === "bash") && script === "-c" ? "shell" : "other"
}

/** Our launchers, the parent first. A shell counts only below a launcher: one above may end early (`npm start &`). */
const launchers = (): ReadonlyArray<number> => {
  const found: Array<number> = []
  let below: Array<number> = []
  for (let pid = process.ppid; pid > 1;) {
    const ancestor = lookUp(pid)
    const kind = ancestor ? kindOf(ancestor) : "other"
    if (ancestor === undefined || kind === "other") break
    below.push(pid)
    if (kind === "launcher") {
      found.push(...below)
      below = []
    }
    pid = ancestor.parent
  }
  return found
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const pids = launchers() // at load time: a launcher that dies before this is not seen

/** Calls `stop` once, within half a second, when any of the launchers is gone. */
export const onLauncherGone = (stop: () => void): void => {
  const timer = setInterval(() => {
    if (pids.every(isAlive)) return
    clearInterval(timer)
    stop()
  }, 500)
  timer.unref()
}
