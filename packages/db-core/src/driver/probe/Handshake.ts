/**
 * A TLS handshake that looks at the certificate whatever is wrong with it, and judges it as the transport would.
 *
 * Only for looking: the connection is not verified, so nothing but the handshake is sent over it, and no password ever.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { sslRequest } from "../transport/tcp.ts"
import { codeOf } from "./Addresses.ts"

/** What the server shows, and what is wrong with it. */
export interface Handshake {
  /** Such as `TLSv1.3`. */
  readonly protocol: string
  /** Names of the certificate's subject and of who signed it, as `CN`, or the organisation where there is none. */
  readonly subject: string
  readonly issuer: string
  /** Whom it is for: `DNS:…, IP Address:…`. */
  readonly names: string
  /** Milliseconds since the epoch. */
  readonly validFrom: number
  readonly validTo: number
  /** OpenSSL's or Node's code of why the chain was not accepted, such as `CERT_HAS_EXPIRED`; none when it was. */
  readonly refusedBy: string | undefined
  /** Whether the certificate is for the host that was asked for. */
  readonly isForHost: boolean
}

/**
 * - `notOffered`: the server speaks the protocol, and does no TLS.
 * - `notPostgres`: what answers on that port is something else.
 * - `closed`: it hung up without an answer.
 * - anything else is OpenSSL's or the system's code.
 */
export type HandshakeFailure = "notOffered" | "notPostgres" | "closed" | (string & {})

const offered = 0x53
const declined = 0x4e
/** An ErrorResponse: servers before 7.0, and poolers that do not know the request. */
const errorResponse = 0x45

/** Asks a Postgres server whether it does TLS: one byte comes back, before anything is encrypted. */
export const askForTls = (socket: Net.Socket): Effect.Effect<void, HandshakeFailure> =>
  Effect.callback((resume) => {
    const closed = () => resume(Effect.fail("closed"))
    socket.once("close", closed)
    socket.once("data", (answer: Buffer) => {
      socket.off("close", closed)
      socket.pause()
      if (answer.length === 1 && answer[0] === offered) return resume(Effect.void)
      const isPostgres = (answer.length === 1 && answer[0] === declined) || answer[0] === errorResponse
      resume(Effect.fail(isPostgres ? "notOffered" : "notPostgres"))
    })
    socket.write(sslRequest)
  })

/** A name with several of them comes as a list. */
const nameOf = (name: Tls.Certificate | undefined): string => {
  const { CN, O } = (name ?? {}) as { readonly CN?: string | Array<string>; readonly O?: string | Array<string> }
  return [CN ?? O ?? ""].flat().join(", ")
}

/** `ca` is the authority's PEM; the runtime's authorities when absent. `host` is whom the certificate must be for. */
export const handshake = (
  socket: Net.Socket,
  host: string,
  ca: Buffer | undefined
): Effect.Effect<Handshake, HandshakeFailure, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const secure = Tls.connect({
        socket,
        host,
        ...(Net.isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca }),
        // It goes on to the end so that everything that is wrong can be said; see the module's text.
        rejectUnauthorized: false
      })
      secure.on("error", () => {})
      return secure
    }),
    (secure) => Effect.sync(() => secure.destroy())
  ).pipe(
    Effect.flatMap((secure) =>
      Effect.callback<Handshake, HandshakeFailure>((resume) => {
        secure.once("error", (error: unknown) => resume(Effect.fail(codeOf(error))))
        secure.once("close", () => resume(Effect.fail("closed")))
        secure.once("secureConnect", () => {
          const certificate = secure.getPeerCertificate()
          const refused: unknown = secure.authorizationError
          const isForHost = Tls.checkServerIdentity(host, certificate) === undefined
          const refusedBy = secure.authorized
            ? undefined
            : typeof refused === "string"
            ? refused
            : codeOf(refused)
          resume(Effect.succeed({
            protocol: secure.getProtocol() ?? "unknown",
            subject: nameOf(certificate.subject),
            issuer: nameOf(certificate.issuer),
            names: certificate.subjectaltname ?? "",
            validFrom: Date.parse(certificate.valid_from),
            validTo: Date.parse(certificate.valid_to),
            refusedBy: refusedBy === "ERR_TLS_CERT_ALTNAME_INVALID" ? undefined : refusedBy,
            isForHost
          }))
        })
      })
    )
  )
