/**
 * What the process itself is doing: memory, and how late its event loop runs. Names are OpenTelemetry's, whose
 * `nodejs.eventloop.delay` stands for any runtime with Node's interfaces.
 */
import * as PublishedMetric from "@ems/db-core/telemetry/PublishedMetric"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** Between two samples of the loop. Milliseconds. */
const resolution = 20

/** Figures are of the last whole span of this length: a maximum since start would hide every later one. */
const span = "30 seconds"

interface Delay {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const seconds = (nanos: number): number => nanos / 1e9

const delayOf = (histogram: ReturnType<typeof monitorEventLoopDelay>): Delay =>
  // Without a sample the mean is no number and the maximum is 0.
  histogram.count === 0 ? { mean: 0, p50: 0, p99: 0, max: 0 } : {
    mean: seconds(histogram.mean),
    p50: seconds(histogram.percentile(50)),
    p99: seconds(histogram.percentile(99)),
    max: seconds(histogram.max)
  }

const publish = Effect.gen(function*() {
  const context = yield* Effect.context()
  const histogram = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )
  let last: Delay | undefined
  yield* Effect.sleep(span).pipe(
    Effect.andThen(Effect.sync(() => {
      last = delayOf(histogram)
      histogram.reset()
    })),
    Effect.forever,
    Effect.forkScoped
  )

  const gauge = (name: string, description: string, unit: string, read: () => number) =>
    PublishedMetric.gauge(context, name, { description, attributes: { unit } }, read)
  const delay = (figure: keyof Delay) =>
    gauge(
      `nodejs.eventloop.delay.${figure}`,
      "how late the event loop ran, in the last 30 seconds",
      "s",
      () => (last ?? delayOf(histogram))[figure]
    )
  const removals = [
    gauge("process.memory.usage", "resident memory", "By", () => process.memoryUsage.rss()),
    ...(["mean", "p50", "p99", "max"] as const).map(delay)
  ]
  yield* Effect.addFinalizer(() => Effect.sync(() => removals.forEach((remove) => remove())))
})

/** Publishes for as long as it lives. */
export const layer = Layer.effectDiscard(publish)
