/** The API as a process of its own, in front of the database of a test. It runs on Bun, whatever the tests run on. */
import { IssuedMachineToken } from "@ems/schema/contract/Access"
import { spawn } from "node:child_process"
import * as path from "node:path"
import { decoded, emsdb } from "./Emsdb.ts"

const root = path.join(import.meta.dirname, "..", "..", "..")

export interface ApiProcess {
  readonly url: string
  readonly end: () => Promise<void>
}

export const startApi = async (
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {}
): Promise<ApiProcess> => {
  const bun = path.join(root, "node_modules", "bun", "bin", "bun.exe")
  const child = spawn(bun, ["--no-env-file", "apps/api/src/main.ts"], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", DATABASE_URL: databaseUrl, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let printed = ""
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  const listening = new Promise<string>((resolve, reject) => {
    const read = (data: Buffer) => {
      printed += data.toString()
      const [, url] = /listening on (http:\/\/[\d.]+:\d+)/.exec(printed) ?? []
      if (url !== undefined) resolve(url)
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    void ended.then(() => reject(new Error(`the API did not listen: ${printed}`)))
  })
  return {
    url: await listening,
    end: () => {
      child.kill("SIGTERM")
      return ended
    }
  }
}

/** A token of a machine that may do what an operator may. */
export const operatorToken = async (databaseUrl: string): Promise<string> => {
  const made = await emsdb("admin token create test --role operator --json".split(" "), databaseUrl)
  return decoded(IssuedMachineToken, made).token
}
