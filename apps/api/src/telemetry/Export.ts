/** Sends traces and metrics by OTLP over HTTP. What cannot be sent is dropped: telemetry holds up nobody. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Redacted from "effect/Redacted"
import { product } from "../product.ts"
import type { ExportSettings } from "./ExportSettings.ts"

const urlOf = (endpoint: URL, signal: "traces" | "metrics"): string => {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/${signal}`
  return url.href
}

/** Makes its context's tracer the exporter's. Without settings nothing is sent, and no span is made. */
export const layer = (settings: ExportSettings | undefined) => {
  if (settings === undefined) return Layer.empty
  const { attributes, headers, metricInterval, protocol, serviceName, spanDelay } = settings
  const endpoint = Redacted.value(settings.endpoint)
  const common = {
    resource: { serviceName, serviceVersion: product.version, attributes },
    headers: Redacted.value(headers)
  }
  return Layer.mergeAll(
    OtlpTracer.layer({ ...common, url: urlOf(endpoint, "traces"), exportInterval: spanDelay }),
    OtlpMetrics.layer({ ...common, url: urlOf(endpoint, "metrics"), exportInterval: metricInterval })
  ).pipe(
    Layer.provide(protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf),
    Layer.provide(FetchHttpClient.layer),
    // The exporters read some of these variables themselves, and die of an empty one.
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))
  )
}
