/**
 * A certificate authority and a server certificate for localhost, made anew in a temporary folder. By the `openssl`
 * program: it is on nearly every machine, a committed key would expire and alarm secret scanners, and a library would
 * be one more dependency for two tests. Where it is missing, skip with `opensslMissing`.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

/** PEM files. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
}

export interface Certificates extends ServerCertificate {
  readonly ca: string
  /** Another one of the same authority; with `days` of -1 one that has expired. */
  readonly issue: (names: string, days: number) => ServerCertificate
  readonly remove: () => void
}

const config = (names: string) =>
  `[req]
distinguished_name = name
prompt = no
[name]
CN = localhost
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = ${names}
`

/** The note of a test that has to be skipped, or `undefined` when certificates can be made. */
export const opensslMissing = (): string | undefined =>
  spawnSync("openssl", ["version"]).status === 0 ? undefined : "the openssl program is not on PATH"

export const localNames = "DNS:localhost, IP:127.0.0.1"

/** `names` are whom the server's certificate is for. */
export const makeCertificates = (names = localNames): Certificates => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ems-certificates-"))
  const file = (name: string) => path.join(folder, name)
  const openssl = (words: string) => {
    const { error, status, stderr } = spawnSync("openssl", words.split(" "), { cwd: folder, encoding: "utf8" })
    if (status !== 0) throw new Error(`openssl ${words} failed: ${error?.message ?? stderr}`)
  }
  const request = "req -config openssl.cnf -newkey rsa:2048 -nodes -sha256"
  const authority = "-x509 -days 2 -extensions authority -keyout ca.key -out ca.crt"
  const signing = "-CA ca.crt -CAkey ca.key -sha256 -extfile openssl.cnf -extensions server"
  let issued = 1
  const issue = (names: string, days: number): ServerCertificate => {
    const number = ++issued
    fs.writeFileSync(file("openssl.cnf"), config(names))
    openssl(`${request} -keyout ${number}.key -out ${number}.csr`)
    openssl(`x509 -req -in ${number}.csr ${signing} -set_serial ${number} -days ${days} -out ${number}.crt`)
    return { cert: file(`${number}.crt`), key: file(`${number}.key`) }
  }
  fs.writeFileSync(file("openssl.cnf"), config(names))
  openssl(`${request} ${authority} -subj /CN=authority`)
  return {
    ca: file("ca.crt"),
    ...issue(names, 2),
    issue,
    remove: () => fs.rmSync(folder, { recursive: true, force: true })
  }
}
