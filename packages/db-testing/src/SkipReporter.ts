/** Ends a run with the reason of every skipped test: a skip that nobody reads hides a test that never runs. */
import type { Reporter, TestModule } from "vitest/node"

export class SkipReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const result = test.result()
        const note = result.state === "skipped" ? result.note : undefined
        console.log(`skipped: ${module.project.name} > ${test.fullName}: ${note ?? "no reason given"}`)
      }
    }
  }
}
