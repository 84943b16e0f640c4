import * as fs from "node:fs"
import * as path from "node:path"
import { defineConfig } from "vitest/config"
import { ExitReporter } from "./packages/db-testing/src/ExitReporter.ts"
import { SkipReporter } from "./packages/db-testing/src/SkipReporter.ts"

const root = import.meta.dirname
const runtime = process.versions["bun"] === undefined ? "node" : "bun"

const inside = (parent: string) => fs.readdirSync(path.join(root, parent)).map((name) => path.join(parent, name))

/** Every workspace folder with a test folder is a project, named like its folder. */
const projects = [...inside("packages"), ...inside("apps"), "trust"]
  .filter((folder) => fs.existsSync(path.join(root, folder, "test")))
  .map((folder) => ({
    // Without `extends`: an inherited globalSetup would run again, with a server of its own, for each project.
    test: {
      name: path.basename(folder),
      root: path.join(root, folder),
      include: ["test/**/*.test.ts"],
      // `forks` fails on Bun, and the same suite has to run on both.
      pool: "threads" as const,
      testTimeout: 20_000,
      hookTimeout: 30_000
    }
  }))

export default defineConfig({
  root,
  test: {
    projects,
    globalSetup: ["./packages/db-testing/src/vitest-setup.ts"],
    pool: "threads",
    maxWorkers: 2,
    reporters: [
      "default",
      ["json", { outputFile: `.data/test/${runtime}.json` }],
      new SkipReporter(),
      new ExitReporter()
    ]
  }
})
