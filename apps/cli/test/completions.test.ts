import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { emsdb } from "./Emsdb.ts"

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ems completions "))
const scriptOf = (shell: string) => path.join(folder, `emsdb.${shell}`)

beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stderr, stdout } = await emsdb(["--completions", shell])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    fs.writeFileSync(scriptOf(shell), stdout)
  }
}, 60_000)
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const isThere = (shell: string) => spawnSync(shell, ["--version"]).status === 0

const run = (shell: string, args: ReadonlyArray<string>): string => {
  // A person's own settings are none of ours.
  const { status, stderr, stdout } = spawnSync(shell, args, {
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, LANG: "C.UTF-8" },
    encoding: "utf8"
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
  return stdout
}

/** What is offered behind `words`, the last of which has been begun. */
const ways: Readonly<Record<string, (words: ReadonlyArray<string>) => ReadonlyArray<string>>> = {
  // As readline calls it.
  bash: (words) => {
    const call =
      `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
      _emsdb emsdb "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\\n' "\${COMPREPLY[@]}"`
    return run("bash", ["--norc", "--noprofile", "-c", call, "bash", scriptOf("bash"), ...words]).trim().split("\n")
  },
  fish: (words) =>
    run("fish", ["--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, scriptOf("fish"), words.join(" ")])
      .trim().split("\n").map((line) => line.split("\t")[0] ?? "")
}

const cases: ReadonlyArray<{
  readonly line: string
  readonly offers: ReadonlyArray<string>
}> = [
  { line: "emsdb ind", offers: ["indexes"] },
  { line: "emsdb indexes ve", offers: ["verify"] },
  { line: "emsdb admin token cr", offers: ["create"] },
  { line: "emsdb check --fail", offers: ["--fail-on"] },
  { line: "emsdb check --fail-on w", offers: ["warn"] },
  { line: "emsdb init --hel", offers: ["--help"] },
  { line: "emsdb --log-level deb", offers: ["debug"] },
  { line: "emsdb --log-level debug ind", offers: ["indexes"] },
  { line: "emsdb --completions z", offers: ["zsh"] }
]

test.each(cases)("bash: $line", ({ line, offers }) => {
  expect(ways["bash"]?.(line.split(" "))).toEqual(offers)
})

test("bash offers every command where none is begun", () => {
  const offered = ways["bash"]?.(["emsdb", ""])
  expect(offered).toEqual(expect.arrayContaining(["init", "migrate", "check", "admin"]))
})

test.for(["bash", "zsh", "fish"])("%s accepts its script", (shell, { skip }) => {
  if (!isThere(shell)) return skip(`there is no ${shell}`)
  run(shell, [shell === "fish" ? "--no-execute" : "-n", scriptOf(shell)])
})

test("fish offers commands, flags and their values", ({ skip }) => {
  if (!isThere("fish")) return skip("there is no fish")
  // To fish a value before the command is a command.
  for (const { line, offers } of cases.filter(({ line }) => !line.includes("debug ind"))) {
    expect(ways["fish"]?.(line.split(" ")), line).toEqual(expect.arrayContaining([...offers]))
  }
})

test("zsh loads its script, descriptions and all", ({ skip }) => {
  if (!isThere("zsh")) return skip("there is no zsh")
  const loaded = run("zsh", [
    "-f",
    "-c",
    `autoload -U compinit && compinit -u && source $1 && echo $_comps[emsdb]`,
    "zsh",
    scriptOf("zsh")
  ])
  expect(loaded).toBe("_emsdb\n")
})

test("an unknown shell gets one line that names those that are known", async () => {
  const { code, stderr, stdout } = await emsdb(["--completions", "tcsh"])
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
  expect(stderr).toMatch(/^emsdb: [^\n]*--completions[^\n]*"bash" \| "zsh" \| "fish"[^\n]*\n$/)
})
