/** Starts `child.ts` on the runtime of this process and speaks with it. */
import { type ChildProcess, spawn } from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { type Answer, type Command, type Findings, mark, nobodyInterrupted, type Progress } from "./Protocol.ts"

const nothing: Progress = {
  invoked: 0,
  pending: 0,
  ok: 0,
  failed: 0,
  unknown: 0,
  hung: 0,
  interrupted: nobodyInterrupted()
}

export class ChildHandle {
  private readonly child: ChildProcess
  private readonly waiting: Array<(answer: Answer) => void> = []
  progress: Progress = nothing
  /** What it printed that was not meant for us. */
  output = ""
  alive = true

  constructor() {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, "child.ts")], {
      stdio: ["pipe", "pipe", "pipe"],
      // The data layer under test is configured by us alone.
      env: { PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1" }
    })
    this.child = child
    child.stdin.on("error", () => {})
    child.once("exit", () => {
      this.alive = false
      for (const answer of this.waiting.splice(0)) answer({ did: "failed", error: "the process ended" })
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.print(text))
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.startsWith(mark)) return this.print(`${line}\n`)
      const answer = JSON.parse(line.slice(mark.length)) as Answer
      if (answer.did === "progress") this.progress = answer.progress
      else this.waiting.shift()?.(answer)
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  private print(text: string): void {
    this.output = (this.output + text).slice(-200_000)
  }

  /** Resolves with undefined when no answer came in time; the process is of no use then. */
  async ask(command: Command, withinMs: number): Promise<Answer | undefined> {
    if (!this.alive) return undefined
    if (command.do === "open") {
      this.progress = nothing
      this.output = ""
    }
    const timer = new AbortController()
    const answer = await Promise.race([
      new Promise<Answer>((resolve) => {
        this.waiting.push(resolve)
        this.child.stdin?.write(`${JSON.stringify(command)}\n`)
      }),
      sleep(withinMs, undefined, { signal: timer.signal }).catch(() => undefined)
    ])
    timer.abort()
    return answer
  }

  async close(withinMs: number): Promise<Findings | undefined> {
    const answer = await this.ask({ do: "close" }, withinMs)
    return answer?.did === "close" ? answer.findings : undefined
  }

  /** Waits until the callers have come so far; false when they did not. */
  async reaches(done: (progress: Progress) => boolean, withinMs: number): Promise<boolean> {
    for (const until = performance.now() + withinMs; performance.now() < until;) {
      if (done(this.progress)) return true
      if (!this.alive) return false
      await sleep(5)
    }
    return done(this.progress)
  }

  end(): void {
    this.alive = false
    this.child.kill("SIGKILL")
  }
}
