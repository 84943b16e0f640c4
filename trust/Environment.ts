/** What a run was made with and on: enough to make it again, nothing about whose machine it was. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

export interface Environment {
  /** Of this repository; with `+` when files differed from it. */
  readonly commit: string
  readonly cores: number
  readonly platform: string
  /** By the name that the package has here. */
  readonly packages: Readonly<Record<string, string>>
}

const packages = ["pg", "drizzle-orm-045", "postgres", "@effect/sql-pg", "effect", "drizzle-orm"]

const versionOf = (name: string): string => {
  const file = path.join(import.meta.dirname, "node_modules", name, "package.json")
  // A cast: JSON.parse is untyped, and a package that was installed has a version.
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { readonly version: string }).version
}

const git = (...words: ReadonlyArray<string>): string =>
  spawnSync("git", [...words], { cwd: import.meta.dirname, encoding: "utf8" }).stdout?.trim() ?? ""

export const environment = (): Environment => ({
  commit: `${git("rev-parse", "--short", "HEAD") || "unknown"}${git("status", "--porcelain") === "" ? "" : "+"}`,
  cores: os.availableParallelism(),
  platform: `${process.platform}-${process.arch}`,
  packages: Object.fromEntries(packages.map((name) => [name, versionOf(name)]))
})
