/** A server whose certificate must not be believed. */
import { type Certificates, localNames, makeCertificates, opensslMissing } from "@ems/db-testing/Certificates"
import { serverIdentity } from "@ems/db-testing/Identity"
import { writeServerFiles } from "@ems/db-testing/ServerFiles"
import { on } from "@ems/db-testing/WireProxy"
import type { Arena } from "../Arena.ts"
import { ours } from "../contenders/Contender.ts"
import { type Fault, only } from "./Fault.ts"

/** What the server shows from now on, to new connections; `undefined` turns TLS off. */
const present = async (arena: Arena, tls: { readonly cert: string; readonly key: string } | undefined) => {
  const { dataDir } = arena.cluster
  if (tls !== undefined) writeServerFiles(dataDir, { identity: serverIdentity(dataDir), authMethods: "all", tls })
  await arena.sql(`alter system set ssl = ${tls === undefined ? "off" : "on"}`)
  await arena.sql("select pg_reload_conf()")
  await arena.sleep(150)
}

/** `bad` makes it; afterwards the server shows a good one, and callers must get through without help. */
const refused = (
  id: string,
  name: string,
  bad: (trusted: Certificates, other: Certificates) => { readonly cert: string; readonly key: string }
): Fault => {
  let trusted: Certificates | undefined
  let other: Certificates | undefined
  let inClear = 0
  return {
    id,
    name,
    // Each has a way of its own to be told an authority; what is compared here would be our use of it.
    skip: (contender) =>
      opensslMissing() ?? (contender === ours ? undefined : "peers name an authority each their own way"),
    options: { tls: true },
    before: async (arena) => {
      trusted = makeCertificates()
      other = makeCertificates()
      await present(arena, bad(trusted, other))
    },
    url: (url) => {
      url.searchParams.set("sslmode", "verify-full")
      url.searchParams.set("sslrootcert", trusted?.ca ?? "")
    },
    cold: true,
    inject: async (arena) => {
      const offered = arena.proxy.add({
        match: (frame) => frame.from === "server" && frame.bytes.length === 1,
        action: { do: "delay", ms: 0 }
      })
      const clear = arena.proxy.add({ match: on.type("client", "startup"), action: { do: "delay", ms: 0 } })
      await arena.window({ atLeastMs: 300 })
      inClear = clear.fired
      // Nobody who got through could have met it.
      return arena.child.progress.ok === 0 ? offered.fired : 0
    },
    heal: (arena) => present(arena, trusted?.issue(localNames, 2)),
    after: async (arena) => {
      await present(arena, undefined)
      trusted?.remove()
      other?.remove()
    },
    expect: (seen) =>
      inClear > 0 ? "it went on in clear" : only("ConnectFailed", "DeadlineExceeded", "PoolTimeout")(seen)
  }
}

export const certificateFaults: ReadonlyArray<Fault> = [
  refused("F32", "the server's certificate has expired", (trusted) => trusted.issue(localNames, -1)),
  refused("F32b", "the server's certificate is of an unknown authority", (_, other) => other),
  refused("F32c", "the server's certificate is for another host", (trusted) => trusted.issue("DNS:db.example.com", 2))
]
