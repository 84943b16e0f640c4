/** The files beside the data that depend on how the server is started: pg_hba.conf and the TLS certificate. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Identity } from "./Identity.ts"

export interface ServerFilesOptions {
  readonly identity: Identity | undefined
  /** `all` adds standbys, and two roles for tests whose logins Postgres asks for in the older ways. */
  readonly authMethods: "scram" | "all"
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

const forTests = `host replication all 127.0.0.1/32 scram-sha-256
host all cleartext_user 127.0.0.1/32 password
host all md5_user 127.0.0.1/32 md5
`

/** Writes the files where they differ and returns the settings that go with them. */
export const writeServerFiles = (dataDir: string, options: ServerFilesOptions): Record<string, string> => {
  const write = (name: string, content: string) => {
    const file = path.join(dataDir, name)
    if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === content) return
    fs.writeFileSync(file, content, { mode: 0o600 })
    if (options.identity) fs.chownSync(file, options.identity.uid, options.identity.gid)
  }
  write(
    "pg_hba.conf",
    `${options.authMethods === "all" ? forTests : ""}host all all 127.0.0.1/32 scram-sha-256\n`
  )
  if (options.tls === undefined) return {}
  // Copies, because Postgres wants the key to be its user's own and closed to others.
  write("server.crt", fs.readFileSync(options.tls.cert, "utf8"))
  write("server.key", fs.readFileSync(options.tls.key, "utf8"))
  return { ssl: "on", ssl_cert_file: "server.crt", ssl_key_file: "server.key" }
}
