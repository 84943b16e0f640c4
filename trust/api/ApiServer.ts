/** The API as it is deployed: a Bun process of its own on a real Postgres, with everything it prints. */
import { type ChildProcess, spawn } from "node:child_process"
import * as path from "node:path"

const root = path.join(import.meta.dirname, "..", "..")

/** How long it may take to listen, and to end. Milliseconds. */
const patience = 30_000

/** No limits but those that a case sets: a harness asks from one address. */
const unlimited = {
  EMS_RATE_LIMIT_ADDRESS: "0",
  EMS_RATE_LIMIT_PRINCIPAL: "0",
  EMS_RATE_LIMIT_FAILURES: "0",
  EMS_RATE_LIMIT_LOGINS: "0",
  EMS_RATE_LIMIT_ACCOUNT: "0"
}

export class ApiServer {
  readonly child: ChildProcess
  readonly url: string
  private readonly printed: () => string
  readonly ended: Promise<number | null>

  private constructor(child: ChildProcess, url: string, printed: () => string, ended: Promise<number | null>) {
    this.child = child
    this.url = url
    this.printed = printed
    this.ended = ended
  }

  /** Nothing of this process's environment but what `env` says. */
  static async start(databaseUrl: string, env: Readonly<Record<string, string>> = {}): Promise<ApiServer> {
    const bun = path.join(root, "node_modules", ".bin", "bun")
    const probe = path.join(import.meta.dirname, "probe.ts")
    const child = spawn(bun, ["--no-env-file", "--preload", probe, "apps/api/src/main.ts"], {
      cwd: root,
      env: {
        PATH: process.env["PATH"] ?? "",
        NODE_ENV: "production",
        EMS_LOG: "debug",
        DATABASE_URL: databaseUrl,
        PORT: "0",
        ...unlimited,
        ...env
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"]
    })
    let text = ""
    const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)))
    const url = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the API did not listen: ${text}`)), patience)
      const read = (data: Buffer) => {
        text += data.toString()
        const [, found] = /listening on (http:\/\/[\d.]+:\d+)/.exec(text) ?? []
        if (found === undefined) return
        clearTimeout(timer)
        resolve(found)
      }
      child.stdout?.on("data", read)
      child.stderr?.on("data", read)
      void ended.then((code) => reject(new Error(`the API ended with ${code}: ${text}`)))
    }).catch((error: unknown) => {
      child.kill("SIGKILL")
      throw error
    })
    return new ApiServer(child, url, () => text, ended)
  }

  /** Everything that it has printed. */
  get log(): string {
    return this.printed()
  }

  private ask(word: "heap" | "stall"): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the API did not tell its ${word}`)), patience)
      const hear = (message: unknown) => {
        if (typeof message !== "object" || message === null || !(word in message)) return
        clearTimeout(timer)
        this.child.off("message", hear)
        resolve(Number(Reflect.get(message, word)))
      }
      this.child.on("message", hear)
      this.child.send(word)
    })
  }

  /** Bytes of the heap after a collection. */
  heap(): Promise<number> {
    return this.ask("heap")
  }

  /** The longest time for which its event loop stood still since it was asked last. Milliseconds. */
  stall(): Promise<number> {
    return this.ask("stall")
  }

  /** Ends it in order; its exit code. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill("SIGKILL"), patience)
    const code = await this.ended
    clearTimeout(timer)
    return code
  }
}
