/**
 * The first step: whether the settings can be used at all, and what follows from them.
 */
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { DbConfigError } from "../config/DbConfigError.ts"
import type { Target } from "../config/DbUrl.ts"
import { type Setting, settings } from "../config/Settings.ts"
import { type Complaint, failed, judged, type Outcome } from "./Step.ts"

const transportOf = ({ directory, host, kind }: Target): string => {
  const isNeon = host.endsWith(".neon.tech")
  switch (kind) {
    case "embedded":
      return directory === undefined ? "embedded: pglite: in memory" : "embedded: pglite: with a directory"
    case "neon":
      return isNeon ? "WebSocket: the host is *.neon.tech" : "WebSocket: EMS_TRANSPORT says so"
    case "tcp":
      return isNeon ? "TCP: EMS_TRANSPORT says so" : "TCP: the host is not *.neon.tech"
  }
}

const tlsOf = ({ loopback, tls }: Target): string =>
  tls.mode === "verify-full"
    ? `verify-full, against ${tls.rootCertificate === undefined ? "this runtime's authorities" : "sslrootcert"}`
    : loopback
    ? "off: loopback"
    : "off: sslmode=disable"

const directOf = ({ direct, target }: DbConfigShape): string => {
  if (direct === undefined) return "unknown"
  if (direct === target) return "the same: no pooler in the URL"
  return `${direct.host}:${direct.port}${direct.host === target.directHost ? ", from the pooler's name" : ""}`
}

/** Numbers that somebody chose: variable, value, and what it is usually. */
const unusual = (config: DbConfigShape): Readonly<Record<string, string>> => {
  const chosen: Record<string, string> = {}
  for (const [key, setting] of Object.entries(settings) as ReadonlyArray<[keyof typeof settings, Setting]>) {
    if (config[key] !== setting.default) {
      chosen[setting.env] = `${config[key]} ${setting.unit}, usually ${setting.default}`
    }
  }
  return chosen
}

const complaintsOf = ({ connectTimeout, poolMax, queryTimeout, target }: DbConfigShape): ReadonlyArray<Complaint> => [
  ...target.warnings.map((summary) => ({
    summary,
    advice: "write sslmode=verify-full into DATABASE_URL, and sslrootcert=<file> where the authority is your own"
  })),
  ...(connectTimeout < queryTimeout ? [] : [{
    summary: "a call gives up before a connection may have been opened for it",
    advice: "set EMS_CONNECT_TIMEOUT_MS below EMS_QUERY_TIMEOUT_MS"
  }]),
  // PostgreSQL's own default of max_connections.
  ...(poolMax < 100 ? [] : [{
    summary: `one process may open ${poolMax} connections, and a server has 100 unless it was told otherwise`,
    advice: "set EMS_POOL_MAX lower, or raise max_connections"
  }])
]

export const configuration = (config: DbConfigShape): Outcome => {
  const { target } = config
  const where = target.kind === "embedded"
    ? { directory: target.directory ?? null }
    : {
      host: target.host,
      port: target.port,
      database: target.database,
      user: target.username,
      hasPassword: target.password !== undefined,
      tls: tlsOf(target),
      pooler: target.pooled,
      direct: directOf(config)
    }
  return judged(
    "the settings can be used",
    { transport: transportOf(target), ...where, ...unusual(config) },
    complaintsOf(config)
  )
}

/** The error names the variable and what would be right, and never repeats a URL. */
export const unusable = ({ expected, key, message, value }: DbConfigError): Outcome =>
  failed(message, { variable: key, found: value }, `set ${key} to ${expected}`)
