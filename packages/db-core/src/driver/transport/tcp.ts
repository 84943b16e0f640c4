/**
 * TCP, with TLS done here. The wire client could do TLS inside our Duplex, but then a tap on the Duplex would see
 * ciphertext; it is told `ssl: false` and gets clear bytes.
 */
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import type { Target } from "../../config/DbUrl.ts"
import { type CountingDuplex, WireDuplex } from "./WireDuplex.ts"

/** SSLRequest: length 8, code 80877103 (PostgreSQL documentation, "Message Formats"). */
export const sslRequest = Uint8Array.from([0, 0, 0, 8, 4, 210, 22, 47])

const connectSocket = (target: Target): Net.Socket =>
  Net.connect({
    host: target.host,
    port: target.port,
    // A statement is one write and then a wait: Nagle could only hold it back.
    noDelay: true,
    // Finds a peer that vanished while the connection was idle.
    keepAlive: true,
    keepAliveInitialDelay: 30_000
  })

const connectTls = (target: Target, rootCertificate: string | undefined): CountingDuplex => {
  const raw = connectSocket(target)
  const duplex = new WireDuplex(() => raw.destroy())
  const fail = (error: Error) => duplex.destroy(error)
  const ended = () => duplex.peerClosed()
  raw.once("error", fail)
  raw.once("close", ended)
  raw.once("connect", () => raw.write(sslRequest))
  raw.once("data", (answer: Buffer) => {
    // Anything behind the one byte was not encrypted: an attacker could have put it there (CVE-2021-23222).
    if (answer.length !== 1 || answer[0] !== 0x53) {
      raw.destroy()
      return fail(new Error("the server does not offer TLS; write sslmode=disable only if the network is trusted"))
    }
    let ca: Buffer | undefined
    try {
      ca = rootCertificate === undefined ? undefined : readFileSync(rootCertificate)
    } catch {
      raw.destroy()
      return fail(new Error("the file named by sslrootcert cannot be read"))
    }
    raw.off("error", fail)
    raw.off("close", ended)
    const secure = Tls.connect({
      socket: raw,
      host: target.host,
      ...(Net.isIP(target.host) === 0 ? { servername: target.host } : {}),
      ...(ca === undefined ? {} : { ca }),
      rejectUnauthorized: true
    })
    duplex.onAbandon(() => secure.destroy())
    secure.on("error", fail)
    secure.on("close", ended)
    secure.on("data", (chunk: Buffer) => duplex.receive(chunk))
    secure.once("secureConnect", () =>
      duplex.attach({
        write: (chunk, done) => void secure.write(chunk, done),
        end: () => void secure.end(),
        destroy: () => void secure.destroy(),
        pause: () => void secure.pause(),
        resume: () => void secure.resume()
      }))
  })
  return duplex
}

/** A factory of connections to `target` over TCP. */
export const tcp = (target: Target) => (): CountingDuplex =>
  target.tls.mode === "disable" ? connectSocket(target) : connectTls(target, target.tls.rootCertificate)
