import { expect, it } from "vitest"
import { documentOf } from "../Document.ts"
import type { Totals } from "../Report.ts"
import type { FaultLine, RunFile } from "../RunFile.ts"

const totals: Totals = {
  operations: 51_234,
  acknowledged: 50_000,
  lost: 0,
  doubled: 0,
  lied: 0,
  unknown: 600,
  wrongResolutions: 0,
  leakedBackends: 0,
  unhandledRejections: 0,
  secretsFound: 0,
  strangersCancelled: 0,
  hung: 0,
  crashed: 0,
  deadlineOverrunMaxMs: 40,
  stallMaxMs: 90,
  lateMaxMs: 10,
  recoveryMaxMs: 700
}
const passed = { id: "F05", name: "COMMIT lost", runs: 1, status: "passed", shown: "ok 292/387 ?1" } as const
const skipped: FaultLine = {
  id: "F47",
  name: "WAL full",
  runs: 0,
  status: "skipped",
  reason: "no volume",
  shown: "skipped"
}
const run = (runtime: string, faults: ReadonlyArray<FaultLine>): RunFile => ({
  runtime,
  seed: 7,
  date: "2026-01-02T03:04:05.000Z",
  environment: { commit: "abc1234", cores: 2, platform: "linux-x64", packages: { pg: "8.0.0" } },
  postgres: "18.4",
  faults,
  totals
})
const line = { reads: 861_981, violations: 0, writesPerSecond: 83.5, hitRatio: 0.746, worstStalenessMs: 470.4 }
const tally = (ok: number, wrong: number) => ({ ok, wrong, "n/a": 0, broken: 0 })
const interrupted = { connect: 60, queue: 61, send: 62, stream: 63, commit: 64, other: 5, leaked: 0 }

it("puts ours on both runtimes and the peers of another run side by side", () => {
  const text = documentOf([
    {
      ...run("Bun 1.0.0", [passed, skipped]),
      interrupts: {
        tcp: interrupted,
        neon: interrupted,
        cancels: 200,
        strangers: 0,
        activeAfterCancelMs: { p50: 15, max: 30, stallMs: 5 }
      },
      simulation: { seeds: 1000, failed: 0, operations: 123_456 },
      cache: {
        ...line,
        boundMs: 500,
        peers: { "drizzle-0.45": { ...line, violations: 74_775 } },
        mutants: 7,
        mutantsCaught: 6,
        cases: [{ subject: "memo", basic: tally(5, 28), all: tally(6, 166) }]
      }
    },
    run("Node 26.0.0", [{ ...passed, status: "failed", reason: "LOST 1", shown: "LOST 1" }]),
    {
      ...run("Bun 1.0.0", [{ ...passed, runs: 0 }]),
      peers: { pg: { faults: [{ ...passed, shown: "ok 10/20" }], totals: { ...totals, lost: 3 } } }
    }
  ])
  expect(text).toContain("| id | fault | ems, Bun | ems, Node | pg |")
  expect(text).toContain("| F05 | COMMIT lost | ok 292/387 ?1 | LOST 1 | ok |")
  expect(text).toContain("| F47 | WAL full | – | – | – |")
  expect(text).toContain("- F47, WAL full: skipped, no volume")
  expect(text).toContain("- F05, COMMIT lost: failed, LOST 1 (ems, Node)")
  expect(text).toContain("| acknowledged | 50,000 | 50,000 | 50,000 |")
  expect(text).toContain("| LOST | 0 | 0 | 3 |")
  expect(text).toContain("| TCP, Bun 1.0.0 | 60 | 61 | 62 | 63 | 64 | 5 | 0 |")
  expect(text).toContain("200 running statements cancelled, 0 of other callers hit")
  expect(text).toContain("| ems, Bun 1.0.0, at most 500 ms | 861,981 | 0 | 470 | 84 | 75 % |")
  expect(text).toContain("| drizzle-0.45 | 861,981 | 74,775 |")
  expect(text).toContain("the checker found: 6 of 7")
  expect(text).toContain("| memo | 6 | 166 | 0 | 28 |")
  expect(text).toContain("| Bun 1.0.0 | 7 | 1,000 | 0 | 123,456 |")
})
