/**
 * Reads a connection URL into what the transports need, and refuses what would be unsafe or silently ignored.
 *
 * TLS: on loopback off unless asked for; elsewhere always on and always verified. `sslmode=require` means verify-full
 * (an unverified certificate protects against nobody who can reach the wire); `prefer` and `allow` are refused, since
 * whoever can drop packets decides for plaintext; `disable` counts only when written.
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { DbConfigError } from "./DbConfigError.ts"

/** Which transport carries the wire protocol. */
export type TransportKind = "tcp" | "neon" | "embedded"

/** How TLS is done. `verify-full` checks the chain and the host name. */
export type Tls = { readonly mode: "disable" } | {
  readonly mode: "verify-full"
  /** PEM file of the authority; the system's authorities when absent. */
  readonly rootCertificate: string | undefined
}

/** Where and as whom to connect. */
export interface Target {
  readonly kind: TransportKind
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
  readonly password: Redacted.Redacted | undefined
  readonly tls: Tls
  readonly loopback: boolean
  /** Neon's `-pooler` endpoints and `pgbouncer=true`: one server session per transaction. */
  readonly pooled: boolean
  /** The same server without the pooler, where the host's name tells it. */
  readonly directHost: string | undefined
  /** Data directory of the embedded database; `undefined` keeps it in memory. */
  readonly directory: string | undefined
  /** What an operator should be told at start. */
  readonly warnings: ReadonlyArray<string>
}

const allowed = "postgres://user:password@host:5432/database or pglite:<directory>"

const refuse = (value: string, expected: string) =>
  Result.fail(new DbConfigError({ key: "DATABASE_URL", value, expected }))

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host)

const embedded = (directory: string): Target => ({
  kind: "embedded",
  host: "embedded",
  port: 0,
  database: "postgres",
  username: "postgres",
  password: undefined,
  tls: { mode: "disable" },
  loopback: true,
  pooled: false,
  directHost: undefined,
  directory: directory === "" || directory === "memory" ? undefined : directory,
  warnings: []
})

const tlsOf = (url: URL, loopback: boolean): Result.Result<readonly [Tls, ReadonlyArray<string>], DbConfigError> => {
  const mode = url.searchParams.get("sslmode")
  const rootCertificate = url.searchParams.get("sslrootcert") ?? undefined
  switch (mode) {
    case null:
      return Result.succeed([loopback ? { mode: "disable" } : { mode: "verify-full", rootCertificate }, []])
    case "require":
    case "verify-full":
      return Result.succeed([{ mode: "verify-full", rootCertificate }, []])
    case "disable":
      return Result.succeed([
        { mode: "disable" },
        loopback ? [] : ["sslmode=disable: passwords and rows cross the network in clear"]
      ])
    case "prefer":
    case "allow":
    case "verify-ca":
      return refuse(`sslmode=${mode}`, "sslmode=verify-full (or require, which means the same), or disable")
    default:
      return refuse(`sslmode=${mode}`, "sslmode=verify-full, require or disable")
  }
}

/** Neon's pooled endpoints are called like the direct ones, with `-pooler` behind the first part. */
const poolerName = /^([^.]+)-pooler(?=\.|$)/

const decode = (text: string): Result.Result<string, DbConfigError> =>
  Result.mapError(
    Result.try(() => decodeURIComponent(text)),
    () => new DbConfigError({ key: "DATABASE_URL", value: "<not shown>", expected: "valid percent-encoding" })
  )

/** Parses `url`. `transport` overrides what the URL's shape says. Fails with a text that never repeats the URL. */
export const parse = (
  url: Redacted.Redacted,
  transport: TransportKind | "auto" = "auto"
): Result.Result<Target, DbConfigError> => {
  const raw = Redacted.value(url)
  if (raw.startsWith("pglite:")) {
    return Result.succeed(embedded(raw.slice("pglite:".length).replace(/^\/\/(?=\/|$)/, "")))
  }
  if (transport === "embedded") return refuse("<not shown>", "pglite:<directory> when the transport is embedded")
  return Result.gen(function*() {
    const parsed = yield* Result.mapError(
      Result.try(() => new URL(raw)),
      () => new DbConfigError({ key: "DATABASE_URL", value: "<not a URL>", expected: allowed })
    )
    if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:") {
      return yield* refuse(parsed.protocol, allowed)
    }
    const host = parsed.hostname.replace(/^\[|\]$/g, "")
    if (host === "") return yield* refuse("<no host>", allowed)
    const username = yield* decode(parsed.username)
    if (username === "") return yield* refuse("<no user>", allowed)
    const password = yield* decode(parsed.password)
    const database = yield* decode(parsed.pathname.slice(1))
    const loopback = isLoopback(host)
    const [tls, warnings] = yield* tlsOf(parsed, loopback)
    const neon = host.endsWith(".neon.tech")
    return {
      kind: transport === "auto" ? (neon ? "neon" as const : "tcp" as const) : transport,
      host,
      port: parsed.port === "" ? 5432 : Number(parsed.port),
      database: database === "" ? username : database,
      username,
      password: password === "" ? undefined : Redacted.make(password),
      tls,
      loopback,
      pooled: poolerName.test(host) || parsed.searchParams.get("pgbouncer") === "true",
      directHost: poolerName.test(host) ? host.replace(poolerName, "$1") : undefined,
      directory: undefined,
      warnings
    }
  })
}
