/** A process of its own that does one thing to a database, and can be killed at it. */
import { type ChildProcess, spawn } from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"

export interface Ended {
  readonly word: "done" | "failed" | "killed"
  /** The error's reason and text, or what was done. */
  readonly text: string
}

export class Runner {
  private readonly child: ChildProcess
  private readonly words: Array<string> = []
  private readonly listeners = new Set<() => void>()
  readonly ended: Promise<Ended>

  /** `words` are those of `runnerProcess.ts`. */
  constructor(...words: ReadonlyArray<string>) {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, "runnerProcess.ts"), ...words], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1" }
    })
    this.child = child
    let last: Ended = { word: "killed", text: "" }
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      const [word = "", ...text] = line.split(" ")
      this.words.push(word)
      if (word === "done" || word === "failed") last = { word, text: text.join(" ") }
      for (const listener of this.listeners) listener()
    })
    this.ended = new Promise((resolve) =>
      child.once("close", () => {
        resolve(last)
        for (const listener of this.listeners) listener()
      })
    )
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Resolves when it has begun its work, or has ended. */
  begun(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.words.includes("begun") && this.child.exitCode === null && this.child.signalCode === null) return
        this.listeners.delete(look)
        resolve()
      }
      this.listeners.add(look)
      look()
    })
  }

  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}
