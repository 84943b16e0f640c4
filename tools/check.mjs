// `pnpm check`: everything that needs no database, all at once. Prints one line for each, the output of those that
// failed, and ends non-zero if any did.
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const bin = (name) => path.join(root, "node_modules", ".bin", name)

/** The Effect rules live in a patched compiler; patching again changes nothing. */
const checks = {
  types: [[bin("effect-tsgo"), "patch"], [bin("tsc"), "--noEmit", "-p", "."]],
  lint: [[bin("oxlint"), "--type-aware", "--deny-warnings"]],
  format: [[bin("dprint"), "check", "--list-different"]],
  boundaries: [[bin("turbo"), "boundaries", "--no-color"]],
  "dead code and dependencies": [[bin("knip")]]
}

const run = ([file, ...args]) =>
  new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, env: process.env, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk) => output += chunk)
    child.stderr.on("data", (chunk) => output += chunk)
    child.on("error", (error) => resolve({ code: 127, output: error.message }))
    child.on("close", (code) => resolve({ code: code ?? 1, output }))
  })

const failed = []
const queue = Object.entries(checks)
const begun = performance.now()
const worker = async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, commands] = next
    const started = performance.now()
    let result = { code: 0, output: "" }
    for (const command of commands) if (result.code === 0) result = await run(command)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${result.code === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`)
    if (result.code !== 0) failed.push([name, result.output])
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
for (const [name, output] of failed) console.error(`\n--- ${name}\n${output.trimEnd()}`)
console.log(
  `check: ${failed.length === 0 ? "ok" : `${failed.length} failed`} (${
    ((performance.now() - begun) / 1000).toFixed(1)
  } s)`
)
process.exit(failed.length === 0 ? 0 : 1)
