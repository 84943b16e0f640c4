// Reads the result files of the test runs, prints cases per transport and runtime, and ends with the line
// `N passed, N failed, N skipped`. What failed is named here once more: by then it is far above. Fails below the floor
// given as first argument, or when the second is not 0.
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [floorFile, before = "0"] = process.argv.slice(2)
const floor = JSON.parse(readFileSync(path.resolve(root, floorFile), "utf8"))

const total = { passed: 0, failed: 0, skipped: 0 }
let isBelow = false

/** The first lines of a failure. */
const told = (message = "") => message.split("\n").slice(0, 6).map((line) => `    ${line}`).join("\n")

for (const [runtime, wanted] of Object.entries(floor)) {
  const file = path.join(root, ".data", "test", `${runtime}.json`)
  const files = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).testResults : []
  const cases = files.flatMap((result) => result.assertionResults)
  for (const { assertionResults, message, name } of files) {
    const where = `${runtime} ${path.relative(root, name)}`
    for (const { failureMessages, fullName, status } of assertionResults) {
      if (status === "failed") console.log(`FAILED ${where} > ${fullName}\n${told(failureMessages[0])}`)
    }
    if (message) console.log(`FAILED ${where}\n${told(message)}`)
  }
  const counted = { all: 0 }
  for (const { ancestorTitles, status } of cases) {
    if (status === "passed") {
      total.passed++
      counted.all++
      const transport = /^driver over (\w+)$/.exec(ancestorTitles[0] ?? "")?.[1]
      if (transport !== undefined) counted[transport] = (counted[transport] ?? 0) + 1
    } else if (status === "failed") total.failed++
    else total.skipped++
  }
  for (const [name, least] of Object.entries(wanted)) {
    const count = counted[name] ?? 0
    const isShort = count < least
    isBelow ||= isShort
    console.log(
      `${runtime.padEnd(4)} ${name.padEnd(9)} ${String(count).padStart(4)} passed, floor ${least}${
        isShort ? "  BELOW THE FLOOR" : ""
      }`
    )
  }
}

const isGreen = before === "0" && total.failed === 0 && !isBelow
// A failure outside of the tests, such as a lint error, has no case of its own.
if (!isGreen && total.failed === 0) total.failed = 1
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(isGreen ? 0 : 1)
