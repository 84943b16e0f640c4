/**
 * Runs a program that must not outlive us.
 *
 * A shell holds the read end of our pipe and the program as its child. When we end in any way, SIGKILL included, the
 * kernel closes the pipe and the shell stops the program. Without it a killed parent leaves a server that holds the
 * port and the data directory. The shell has a session of its own: Ctrl-C and a kill of our process group pass it by.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import type { Readable } from "node:stream"

export interface WatchdogOptions {
  readonly command: readonly [program: string, ...args: Array<string>]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Run as this user; needs root. */
  readonly identity?: { readonly uid: number; readonly gid: number } | undefined
  /** Sent when the pipe closes, e.g. `"INT"`. */
  readonly signal: "INT" | "TERM"
  /** Sent 10 s later to a program that is still there. */
  readonly lastSignal: "QUIT" | "KILL"
  /** A directory to remove when the program has ended: in any case, or only when it failed. */
  readonly remove?: { readonly directory: string; readonly when: "always" | "failed" } | undefined
  /** `inherit` shows the program's output to the user; `stderr` and `both` hand it to us. */
  readonly stdio: "inherit" | "stderr" | "both"
}

export interface Watched {
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Resolves with the exit code when program and shell have ended; never rejects. */
  readonly exited: Promise<number>
  readonly hasExited: () => boolean
  /** Asks the program to end; escalates after 10 s. */
  readonly end: () => void
  /** Kills program and shell at once. */
  readonly kill: () => void
}

// `read` and not `cat`: a builtin leaves no process behind when its subshell is killed. The program must not inherit
// descriptor 3, and the traps come after the fork, because ignored signals would be inherited. INT is repeated: a shell
// starts background programs with INT ignored, so the first one is lost on a server that has no handler yet.
const script = `
remove=$1 when=$2 first=$3 last=$4
shift 4
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
(
  read -r _ <&3
  tenths=0
  while [ "$tenths" -lt 100 ] && kill -0 "$program"; do
    if [ "$tenths" -eq 0 ] || { [ "$first" = INT ] && [ $((tenths % 5)) -eq 0 ]; }; then kill -s "$first" "$program"; fi
    sleep 0.1
    tenths=$((tenths + 1))
  done
  kill -s "$last" "$program"
) >/dev/null 2>&1 &
watcher=$!
trap "" INT TERM HUP PIPE
wait "$program"
code=$?
kill "$watcher" 2>/dev/null
if [ -n "$remove" ] && { [ "$when" = always ] || [ "$code" -ne 0 ]; }; then rm -rf "$remove"; fi
exit "$code"
`

export const watch = (options: WatchdogOptions): Watched => {
  const { remove } = options
  const child: ChildProcess = spawn(
    "/bin/sh",
    [
      "-c",
      script,
      "sh",
      remove?.directory ?? "",
      remove?.when ?? "",
      options.signal,
      options.lastSignal,
      ...options.command
    ],
    {
      ...options.identity,
      cwd: options.cwd,
      env: { ...options.env },
      stdio: options.stdio === "inherit"
        ? ["pipe", "inherit", "inherit"]
        : ["pipe", options.stdio === "both" ? "pipe" : "ignore", "pipe"],
      detached: true
    }
  )
  let ended = false
  const exited = once(child, "exit").then(
    ([code]: Array<unknown>) => typeof code === "number" ? code : 128,
    () => 127 // "error": the shell itself could not be started
  ).finally(() => {
    ended = true
  })
  child.stdin?.on("error", () => {}) // EPIPE of a program that ended first is told by `exited`
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    hasExited: () => ended,
    end: () => child.stdin?.end(),
    kill: () => {
      // The shell leads a process group of its own, which holds exactly what it started.
      if (!ended && child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
    }
  }
}
