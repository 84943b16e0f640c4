/** The writers' process, seen from the bench. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as readline from "node:readline"
import { fileURLToPath } from "node:url"

export interface Writers {
  /** Writes to the table for so many milliseconds; gives the updates that were committed. */
  readonly write: (table: string, ms: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** `settings` as in SET, for each of the connections. */
export const startWriters = async (
  url: string,
  clients: number,
  settings: ReadonlyArray<string>
): Promise<Writers> => {
  const file = fileURLToPath(new URL("writerProcess.ts", import.meta.url))
  const child = spawn(process.execPath, [file, url, String(clients), ...settings], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const exited = once(child, "exit")
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<string> => {
    const { done, value } = await lines.next()
    if (done === true) throw new Error("the writers' process ended")
    return value
  }
  await answer()
  return {
    write: async (table, ms) => {
      child.stdin.write(`${table} ${ms}\n`)
      return Number(await answer())
    },
    close: async () => {
      child.stdin.end()
      await exited
    }
  }
}
