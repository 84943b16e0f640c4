/**
 * Everything in the metric registry as Prometheus's text format 0.0.4. Units and `_total` are added to the names as
 * OpenTelemetry's "Prometheus and OpenMetrics compatibility" says: `http_server_request_duration_seconds`.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** A unit in braces, such as `{connection}`, says what is counted and is no unit. */
const suffixes: ReadonlyMap<string | undefined, string> = new Map([["s", "_seconds"], ["By", "_bytes"]])

const suffixOf = ({ attributes, type }: Metric.Metric.Snapshot): string =>
  (suffixes.get(attributes?.["unit"]) ?? "") + (type === "Counter" ? "_total" : "")

/** What the registry of `context` holds now. */
export const format = (context: Context.Context<never>): string => {
  const names = new Map(Metric.snapshotUnsafe(context).map((metric) => [metric.id, metric.id + suffixOf(metric)]))
  return PrometheusMetrics.formatUnsafe(context, { metricNameMapper: (name) => names.get(name) ?? name })
}
