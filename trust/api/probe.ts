/** Loaded into the server under test before anything of its own: tells the harness what its heap holds. */
import { heapStats } from "bun:jsc"
import { monitorEventLoopDelay } from "node:perf_hooks"

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

process.on("message", (message) => {
  if (message === "heap") {
    // Twice: what finalizers let go of is collected by the second.
    Bun.gc(true)
    Bun.gc(true)
    process.send?.({ heap: heapStats().heapSize })
  }
  if (message === "stall") {
    process.send?.({ stall: delay.max / 1e6 })
    delay.reset()
  }
})
// The channel alone must not keep the server from ending.
process.channel?.unref()
// A harness that was killed must not leave its server behind.
process.on("disconnect", () => process.exit(1))
