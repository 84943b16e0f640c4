/** `pnpm trust`: what a data layer says when things break, held against what is in the table. */
import * as fs from "node:fs"
import { environment } from "./Environment.ts"
import { type Options, parseOptions, usage, UsageError } from "./options.ts"
import { suites } from "./suites.ts"
import { writeDocument } from "./writeDocument.ts"

const words = process.argv.slice(2)
const named = words[0] !== undefined && suites.has(words[0]) ? [words[0]] : [...suites.keys()]

let options: Options
try {
  if (words[0] === "report") {
    writeDocument(words.slice(1))
    process.exit(0)
  }
  options = parseOptions(words[0] !== undefined && suites.has(words[0]) ? words.slice(1) : words)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\nusage: ${usage}`)
  process.exit(2)
}

let harness = 0
// A mistake of the harness must not pass for a success.
const broken = (error: unknown) => {
  harness++
  console.error(error)
}
process.on("uncaughtException", broken)
process.on("unhandledRejection", broken)

const runtime = process.versions["bun"] === undefined
  ? `Node ${process.versions.node}`
  : `Bun ${process.versions["bun"]}`
console.log(`${runtime}, seed ${options.seed}`)
const started = performance.now()
const json: Record<string, unknown> = {
  runtime,
  seed: options.seed,
  date: new Date().toISOString(),
  environment: environment()
}
let passed = true
for (const name of named) {
  const result = await suites.get(name)?.(options)
  if (result === undefined) continue
  passed &&= result.passed
  Object.assign(json, result.json)
}
passed &&= harness === 0
if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(json, undefined, 2)}\n`)
console.log(`${passed ? "passed" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
process.exit(passed ? 0 : 1)
