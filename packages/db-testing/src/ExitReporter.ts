/**
 * Ends the process when a run is over and something still holds it. PGlite's thread may go on by itself after it was told
 * to end; then neither the run ends nor `process.exit`, which waits for that thread.
 */
import type { Reporter } from "vitest/node"

/** What is closed after a run has this long. Milliseconds. */
const patience = 60_000

export class ExitReporter implements Reporter {
  onTestRunEnd(): void {
    // By a signal, which waits for nobody; `tools/run.mjs` takes the one for success. Holds up nothing itself.
    setTimeout(() => process.kill(process.pid, process.exitCode ? "SIGKILL" : "SIGUSR2"), patience).unref()
  }
}
