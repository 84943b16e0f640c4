import * as fs from "node:fs"
import { expect, it } from "vitest"
import { embedded } from "./support.ts"

/** They are the same on every runtime: one of them runs them. */
const once = process.versions["bun"] !== undefined

const others = new Set(["embedded.test.ts", "schemaDump.test.ts"])
const files = fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts") && !others.has(name))

it.runIf(once)("runs the situations of the other files (on Bun alone)", () => {
  expect(files.length).toBeGreaterThan(0)
})

embedded.url = "pglite:memory"
for (const file of once ? files : []) {
  // Collected one after the other: which file a situation is of is told by its `describe`.
  await import(/* @vite-ignore */ `${import.meta.dirname}/${file}`)
}
