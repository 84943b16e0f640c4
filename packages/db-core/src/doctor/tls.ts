/**
 * TLS: whether the server offers it, and whether its certificate would be accepted.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { readFile } from "node:fs/promises"
import type { Target } from "../config/DbUrl.ts"
import type { Address } from "../driver/probe/Addresses.ts"
import { dial } from "../driver/probe/Dial.ts"
import { askForTls, type Handshake, handshake } from "../driver/probe/Handshake.ts"
import type { Endpoint } from "./Endpoint.ts"
import { type Complaint, failed, judged, ok, type Outcome, skipped } from "./Step.ts"

const dayMs = 86_400_000

/** A certificate that ends sooner is told of: the figure in the examples of the Nagios plugin `check_http -C`. */
const warnDays = 14

const isoDay = (ms: number): string =>
  Option.match(DateTime.make(ms), { onNone: () => "unknown", onSome: DateTime.formatIsoDateUtc })

const authorityAdvice = (target: Target): string =>
  target.tls.mode === "verify-full" && target.tls.rootCertificate !== undefined
    ? "sslrootcert names another authority's file: take the PEM file of the one that signed this certificate"
    : "add sslrootcert=<PEM file of the authority> to DATABASE_URL; providers offer it for download"

/** OpenSSL's codes of a chain that is not accepted. */
const refusals: Readonly<Record<string, (target: Target, seen: Handshake) => Complaint>> = {
  CERT_HAS_EXPIRED: (_, { validTo }) => ({
    summary: `the server's certificate ended on ${isoDay(validTo)}`,
    advice: "renew it on the server and reload: select pg_reload_conf(). If it has not ended, set this machine's clock"
  }),
  CERT_NOT_YET_VALID: (_, { validFrom }) => ({
    summary: `the server's certificate begins on ${isoDay(validFrom)} only`,
    advice: "set this machine's clock; it is probably behind"
  }),
  DEPTH_ZERO_SELF_SIGNED_CERT: (target) => ({
    summary: "the server signed its certificate itself",
    advice: `${authorityAdvice(target)}; of a self-signed certificate that is the certificate itself`
  })
}

const unknownAuthority = (target: Target, { issuer }: Handshake, code: string): Complaint => ({
  summary: `the authority "${issuer}" that signed the certificate is not trusted (${code})`,
  advice: authorityAdvice(target)
})

const verdict = (target: Target, host: string, seen: Handshake, now: number): Outcome => {
  const { isForHost, issuer, names, protocol, refusedBy, subject, validFrom, validTo } = seen
  const days = Math.floor((validTo - now) / dayMs)
  const facts = {
    protocol,
    subject,
    issuer,
    names,
    validFrom: isoDay(validFrom),
    validTo: isoDay(validTo),
    daysLeft: Number.isFinite(days) ? days : null,
    host
  }
  const wrong = [
    ...(refusedBy === undefined
      ? []
      : [refusals[refusedBy]?.(target, seen) ?? unknownAuthority(target, seen, refusedBy)]),
    ...(isForHost ? [] : [{
      summary: `the certificate is for ${names === "" ? subject : names}, not for ${host}`,
      advice: "write a host that the certificate names into DATABASE_URL, or have one issued for this host"
    }])
  ]
  if (wrong.length > 0) {
    return failed(wrong.map(({ summary }) => summary).join("; "), facts, ...wrong.map(({ advice }) => advice))
  }
  return judged(
    `${protocol}, and the certificate is verified`,
    facts,
    days >= warnDays ? [] : [{
      summary: `the server's certificate ends in ${days === 1 ? "1 day" : `${days} days`}`,
      advice: "renew it on the server and reload: select pg_reload_conf()"
    }]
  )
}

const broken = (code: string): Outcome => {
  const seen = { code }
  switch (code) {
    case "notOffered":
      return failed(
        "the server does not do TLS",
        seen,
        "turn it on: ssl = on with ssl_cert_file and ssl_key_file in postgresql.conf (a pooler: client_tls_sslmode)",
        "or, where nobody else can reach the network, add sslmode=disable to DATABASE_URL"
      )
    case "notPostgres":
      return failed("what answers there is no Postgres server", seen, "correct host and port in DATABASE_URL")
    case "closed":
      return failed(
        "the peer hung up without an answer",
        seen,
        "a proxy or firewall in between lets nobody through from here; or the port belongs to another service"
      )
    case "timeout":
      return failed(
        "it takes connections and never answers",
        seen,
        "the server hangs, or a proxy in front of it does not reach it: look at the server's log and its load"
      )
    default:
      return failed(
        `the handshake failed (${code})`,
        seen,
        "look at the server's ssl_min_protocol_version and ssl_ciphers: this side does TLS 1.2 and 1.3"
      )
  }
}

const look = (
  target: Target,
  { host, isTlsFirst, port }: Endpoint,
  address: Address,
  ca: Buffer | undefined
): Effect.Effect<Outcome, string, Scope.Scope> =>
  Effect.gen(function*() {
    const socket = yield* dial(address.address, port)
    if (!isTlsFirst) yield* askForTls(socket)
    const seen = yield* handshake(socket, host, ca)
    return verdict(target, host, seen, yield* Clock.currentTimeMillis)
  })

/** Where TLS is off, whether the server would do it. */
const offer = ({ port }: Endpoint, { address }: Address): Effect.Effect<boolean, string, Scope.Scope> =>
  Effect.flatMap(dial(address, port), askForTls).pipe(
    Effect.as(true),
    Effect.catchIf((code) => code === "notOffered", () => Effect.succeed(false))
  )

export const tls = (
  target: Target,
  endpoint: Endpoint,
  address: Address,
  limitMs: number
): Effect.Effect<Outcome> => {
  const settings = target.tls
  const within = <A>(effect: Effect.Effect<A, string, Scope.Scope>) =>
    Effect.timeoutOrElse(Effect.scoped(effect), { duration: limitMs, orElse: () => Effect.fail("timeout") })
  if (settings.mode === "disable") {
    if (endpoint.path !== undefined) return Effect.succeed(skipped("not applicable: TLS is off"))
    return Effect.map(Effect.result(within(offer(endpoint, address))), (answer) => {
      if (Result.isFailure(answer) && answer.failure === "notPostgres") return broken(answer.failure)
      // Nothing rests on this question: a server that does not answer it is the login's to tell of.
      const isOffered = Result.isSuccess(answer) ? answer.success : null
      if (target.loopback) return ok("off: nothing leaves this machine", { isOffered })
      return judged("", { isOffered }, [{
        summary: "passwords and rows cross the network in clear",
        advice: isOffered === true
          ? "the server does TLS: take sslmode=disable out of DATABASE_URL"
          : "turn TLS on at the server (ssl = on), then take sslmode=disable out of DATABASE_URL"
      }])
    })
  }
  const { rootCertificate } = settings
  if (rootCertificate === undefined) return Effect.match(within(look(target, endpoint, address, undefined)), ends)
  return Effect.tryPromise(() => readFile(rootCertificate)).pipe(
    Effect.matchEffect({
      onFailure: () =>
        Effect.succeed(failed(
          "the file that sslrootcert names cannot be read",
          { sslrootcert: rootCertificate },
          "correct the path, or the file's rights: a relative path counts from where the process was started"
        )),
      onSuccess: (ca) => Effect.match(within(look(target, endpoint, address, ca)), ends)
    })
  )
}

const ends = { onFailure: broken, onSuccess: (outcome: Outcome) => outcome }
