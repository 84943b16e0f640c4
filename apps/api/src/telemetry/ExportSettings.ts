/** Where telemetry goes: OpenTelemetry's own variables. Nothing is exported without an endpoint. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { product } from "../product.ts"
import type { Unusable } from "../Unusable.ts"

export interface ExportSettings {
  /** Base URL; `/v1/traces` and `/v1/metrics` are added. May hold credentials. */
  readonly endpoint: Redacted.Redacted<URL>
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  /** Default `http/protobuf`. */
  readonly protocol: "http/protobuf" | "http/json"
  /** `OTEL_SERVICE_NAME`, or the resource's `service.name`, or the product's name. */
  readonly serviceName: string
  readonly attributes: Readonly<Record<string, string>>
  /** Between two exports of metrics. Milliseconds, default 60,000. */
  readonly metricInterval: number
  /** A finished span waits for at most so long. Milliseconds, default 5,000. */
  readonly spanDelay: number
}

export const variables = [
  "OTEL_SDK_DISABLED",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  "OTEL_METRIC_EXPORT_INTERVAL",
  "OTEL_BSP_SCHEDULE_DELAY"
] as const
type Variable = (typeof variables)[number]

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}

/** `key=value,key=value`, percent-encoded, as W3C Baggage has it. */
const pairs = (text: string): Readonly<Record<string, string>> | undefined => {
  const found: Record<string, string> = {}
  for (const pair of text.split(",")) {
    if (pair.trim() === "") continue
    const at = pair.indexOf("=")
    const [key, value] = [decoded(pair.slice(0, Math.max(0, at))), decoded(pair.slice(at + 1))]
    if (key === undefined || key === "" || value === undefined) return undefined
    found[key] = value
  }
  return found
}

const interval = (text: string, fallback: number): number | undefined =>
  text === "" ? fallback : /^[1-9]\d{0,7}$/.test(text) ? Number(text) : undefined

const protocols = ["http/protobuf", "http/json"] as const

/** `read` gives a variable's value, `""` for none. `undefined` where nothing is to be exported. */
export const parse = (read: (key: Variable) => string): Result.Result<ExportSettings | undefined, Unusable> => {
  const unusable = (key: Variable, expected: string) => Result.fail({ key, expected })
  const endpoint = read("OTEL_EXPORTER_OTLP_ENDPOINT")
  if (endpoint === "" || read("OTEL_SDK_DISABLED").toLowerCase() === "true") return Result.succeed(undefined)
  const url = URL.parse(endpoint)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return unusable("OTEL_EXPORTER_OTLP_ENDPOINT", "a URL such as http://localhost:4318")
  }
  const headers = pairs(read("OTEL_EXPORTER_OTLP_HEADERS"))
  if (headers === undefined || Object.entries(headers).some(([key, value]) => !isHeader(key, value))) {
    return unusable("OTEL_EXPORTER_OTLP_HEADERS", "pairs such as key=value, separated by commas")
  }
  const attributes = pairs(read("OTEL_RESOURCE_ATTRIBUTES"))
  if (attributes === undefined) {
    return unusable("OTEL_RESOURCE_ATTRIBUTES", "pairs such as key=value, separated by commas")
  }
  const given = read("OTEL_EXPORTER_OTLP_PROTOCOL")
  const protocol = given === "" ? protocols[0] : protocols.find((known) => known === given)
  if (protocol === undefined) return unusable("OTEL_EXPORTER_OTLP_PROTOCOL", protocols.join(" or "))
  const metricInterval = interval(read("OTEL_METRIC_EXPORT_INTERVAL"), 60_000)
  if (metricInterval === undefined) return unusable("OTEL_METRIC_EXPORT_INTERVAL", "milliseconds, from 1")
  const spanDelay = interval(read("OTEL_BSP_SCHEDULE_DELAY"), 5000)
  if (spanDelay === undefined) return unusable("OTEL_BSP_SCHEDULE_DELAY", "milliseconds, from 1")
  const { "service.name": name, ...others } = attributes
  return Result.succeed({
    endpoint: Redacted.make(url),
    headers: Redacted.make(headers),
    protocol,
    serviceName: read("OTEL_SERVICE_NAME") || name || product.name,
    attributes: others,
    metricInterval,
    spanDelay
  })
}

/** A value with other characters would throw where it is sent. */
const isHeader = (key: string, value: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(key) && /^[\t -~]*$/.test(value)
