/** Starts a process of a history on the runtime of this one, with a mutant in it where one is wanted. */
import { type ChildProcess, spawn } from "node:child_process"
import * as readline from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { Patch } from "./Mutant.ts"
import { type Acked, type Answer, type Command, mark, type Report } from "./Protocol.ts"

const programs = {
  app: fileURLToPath(import.meta.resolve("./app.ts")),
  outsider: fileURLToPath(import.meta.resolve("./outsider.ts"))
}

export interface HistoryProcessOptions {
  readonly program: keyof typeof programs
  readonly onAcked: (acked: Acked) => void
  readonly patch?: Patch | undefined
}

export class HistoryProcess {
  private readonly child: ChildProcess
  private readonly waiting: Array<(answer: Answer) => void> = []
  output = ""
  alive = true

  constructor({ onAcked, patch, program }: HistoryProcessOptions) {
    const preload = process.versions["bun"] === undefined ? "--import" : "--preload"
    const child = spawn(
      process.execPath,
      [
        ...patch === undefined ? [] : [preload, fileURLToPath(import.meta.resolve("./preload.ts"))],
        programs[program]
      ],
      {
        stdio: ["pipe", "pipe", "pipe"],
        // The layer under test is configured by us alone.
        env: {
          PATH: process.env["PATH"] ?? "",
          NODE_NO_WARNINGS: "1",
          ...patch === undefined ? {} : { TRUST_PATCH: JSON.stringify(patch) }
        }
      }
    )
    this.child = child
    child.stdin.on("error", () => {})
    child.once("exit", () => {
      this.alive = false
      for (const answer of this.waiting.splice(0)) answer({ did: "failed", error: `the process ended: ${this.output}` })
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.print(text))
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.startsWith(mark)) return this.print(`${line}\n`)
      // A cast: our own program says nothing else behind the mark.
      const answer = JSON.parse(line.slice(mark.length)) as Answer
      if (answer.did === "acked") onAcked(answer)
      else this.waiting.shift()?.(answer)
    })
  }

  private print(text: string): void {
    this.output = (this.output + text).slice(-20_000)
  }

  tell(command: Command): void {
    if (this.alive) this.child.stdin?.write(`${JSON.stringify(command)}\n`)
  }

  /** Fails when it says so, or nothing within that time. */
  async ask(command: Command, withinMs = 15_000): Promise<Report | undefined> {
    if (!this.alive) throw new Error(`the process has ended: ${this.output}`)
    const timer = new AbortController()
    const answer = await Promise.race([
      new Promise<Answer>((resolve) => {
        this.waiting.push(resolve)
        this.tell(command)
      }),
      sleep(withinMs, undefined, { signal: timer.signal }).catch(() => undefined)
    ])
    timer.abort()
    if (answer === undefined) throw new Error(`no answer to ${command.do} within ${withinMs} ms: ${this.output}`)
    if (answer.did === "failed") throw new Error(`${command.do}: ${answer.error}`)
    return answer.did === "done" ? answer.report : undefined
  }

  async report(): Promise<Report> {
    const report = await this.ask({ do: "report" })
    if (report === undefined) throw new Error("a report without figures")
    return report
  }

  /** Stands still, with its sockets open, until it is continued. */
  freeze(): void {
    this.child.kill("SIGSTOP")
  }

  thaw(): void {
    this.child.kill("SIGCONT")
  }

  end(): void {
    this.alive = false
    this.child.kill("SIGKILL")
  }
}
