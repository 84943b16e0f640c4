/** The registering clients' process, seen from the bench. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as readline from "node:readline"
import { fileURLToPath } from "node:url"

export interface Registered {
  /** Commits in each whole second. */
  readonly seconds: ReadonlyArray<number>
  readonly committed: number
  /** How many failed, by SQLSTATE. */
  readonly failures: Readonly<Record<string, number>>
}

/** Ends with what `stop` gives. */
export const startRegistering = async (url: string, clients: number) => {
  const file = fileURLToPath(new URL("writerProcess.ts", import.meta.url))
  const child = spawn(process.execPath, [file, url, String(clients)], { stdio: ["pipe", "pipe", "inherit"] })
  const exited = once(child, "exit")
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { done, value } = await lines.next()
    if (done === true) throw new Error("the writers' process ended")
    return value
  }
  await line()
  return {
    stop: async (): Promise<Registered> => {
      child.stdin.end()
      // A cast: it is what our own process prints.
      const said = JSON.parse(await line()) as Registered
      await exited
      return said
    }
  }
}
