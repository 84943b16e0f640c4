import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { expect, it } from "vitest"
import { type Patch, StalePatchError, verify } from "../cache/history/Mutant.ts"
import { mutants } from "../cache/history/Mutants.ts"

const root = path.resolve(import.meta.dirname, "../..")
const file = "trust/random.ts"
const patch: Patch = [{ file, find: "/ 4_294_967_296", replace: "/ 4_294_967_296 + 100" }]

const runtime = process.versions["bun"] === undefined ? "--import" : "--preload"

/** What a process says that loads the module. */
const said = (patched: Patch): { readonly status: number | null; readonly text: string } => {
  const program = path.join(fs.mkdtempSync(path.join(root, "trust/.mutant-")), "program.ts")
  try {
    fs.writeFileSync(program, `import { random } from "../random.ts"\nconsole.log(random(1)() > 1)\n`)
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      [runtime, path.join(root, "trust/cache/history/preload.ts"), program],
      { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", TRUST_PATCH: JSON.stringify(patched) } }
    )
    return { status, text: stdout.trim() + stderr }
  } finally {
    fs.rmSync(path.dirname(program), { recursive: true })
  }
}

it("plants a mistake in the module that a process loads, and nowhere else", () => {
  const before = fs.readFileSync(path.join(root, file), "utf8")
  expect(said([]).text).toContain("false")
  expect(said(patch).text).toContain("true")
  expect(fs.readFileSync(path.join(root, file), "utf8")).toBe(before)
})

it("fails loudly when the text is not there, or there twice", () => {
  const gone: Patch = [{ file, find: "no such text", replace: "" }]
  expect(() => verify(gone)).toThrow(StalePatchError)
  expect(() => verify([{ file, find: "state", replace: "" }])).toThrow(/there \d+ times/)
  expect(() => verify(patch)).not.toThrow()
  expect(said(gone).status).not.toBe(0)
})

it("takes any white space for any other", () => {
  const spaced: Patch = [{ file, find: "state\n    = (state + 0x6d2b79f5) | 0", replace: "" }]
  expect(() => verify(spaced)).not.toThrow()
})

it.each(mutants.map(({ name, patch }) => [name, patch] as const))("%s can be planted", (_, patch) => {
  expect(() => verify(patch)).not.toThrow()
})
