/**
 * Metrics that are read where they are counted: a hot path adds to a number, and who scrapes asks for it. Several data
 * layers in one process that count the same series add up; one of them alone would hide the others.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

interface Series<State> {
  readonly sources: Set<() => State>
  readonly registration: Metric.Registration
}

/** By registry, then by name and attributes. */
const published = new WeakMap<Metric.MetricRegistry, Map<string, Series<unknown>>>()

/** Shows what `read` gives under `metric`, until the returned function is called. `add` adds up two sources. */
const publish = <Input, State>(
  metric: Metric.Metric<Input, State>,
  context: Context.Context<never>,
  read: () => State,
  add: (one: State, other: State) => State
): () => void => {
  const registry = Context.get(context, Metric.MetricRegistry)
  let known = published.get(registry)
  if (known === undefined) published.set(registry, known = new Map())
  const attributes = { ...metric.attributes, ...Context.get(context, Metric.CurrentMetricAttributes) }
  const key = JSON.stringify([metric.id, Object.entries(attributes).toSorted(([a], [b]) => a < b ? -1 : 1)])
  // The key holds the metric's name, and with that its kind of state.
  let series = known.get(key) as Series<State> | undefined
  if (series === undefined) {
    const sources = new Set<() => State>()
    const get = (): State => [...sources].map((source) => source()).reduce(add)
    const registration = Metric.registerUnsafe(metric, context, { get, update: () => {}, modify: () => {} })
    series = { sources, registration }
    known.set(key, series)
  }
  const { registration, sources } = series
  sources.add(read)
  return () => {
    sources.delete(read)
    if (sources.size > 0) return
    registration.remove()
    known.delete(key)
  }
}

interface Description {
  readonly description: string
  readonly attributes: Metric.Metric.AttributeSet
}

export const gauge = (context: Context.Context<never>, name: string, about: Description, read: () => number) =>
  publish(Metric.gauge(name, about), context, () => ({ value: read() }), (one, other) => ({
    value: one.value + other.value
  }))

/** For what only grows. */
export const counter = (context: Context.Context<never>, name: string, about: Description, read: () => number) =>
  publish(
    Metric.counter(name, { ...about, incremental: true }),
    context,
    () => ({ count: read(), incremental: true }),
    (one, other) => ({ count: one.count + other.count, incremental: true })
  )

/** What a histogram has counted. */
export interface Counted {
  /** Per bucket; one more than there are boundaries. */
  readonly counts: ArrayLike<number>
  readonly sum: number
  readonly min: number
  readonly max: number
}

const added = (one: Metric.HistogramState, other: Metric.HistogramState): Metric.HistogramState => ({
  buckets: one.buckets.map(([bound, count], at) => [bound, count + other.buckets[at]![1]]),
  count: one.count + other.count,
  sum: one.sum + other.sum,
  min: Math.min(one.min, other.min),
  max: Math.max(one.max, other.max)
})

export const histogram = (
  context: Context.Context<never>,
  name: string,
  boundaries: ReadonlyArray<number>,
  about: Description,
  read: () => Counted
) =>
  publish(
    Metric.histogram(name, { ...about, boundaries }),
    context,
    () => {
      const { counts, ...rest } = read()
      let count = 0
      const buckets = boundaries.map((bound, at) => [bound, count += counts[at] ?? 0] as [number, number])
      return { ...rest, buckets, count: count + (counts[boundaries.length] ?? 0) }
    },
    added
  )
