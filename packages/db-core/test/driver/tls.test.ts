import { type Running, startPostgres } from "@ems/db-testing"
import { type Certificates, makeCertificates, opensslMissing } from "@ems/db-testing/Certificates"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"
import type { DbError } from "../../src/errors/DbError.ts"

const missing = opensslMissing()

describe("TLS over tcp", () => {
  let certificates: Certificates | undefined
  let server: Running | undefined
  let plain: Running | undefined
  beforeAll(async () => {
    if (missing !== undefined) return
    certificates = makeCertificates()
    server = await startPostgres({ tls: { cert: certificates.cert, key: certificates.key } })
    plain = await startPostgres()
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    await plain?.stop()
    certificates?.remove()
  })

  const url = (running: Running | undefined, query: Record<string, string>, host = "127.0.0.1") => {
    const parsed = new URL(running!.url)
    parsed.hostname = host
    for (const [key, value] of Object.entries(query)) parsed.searchParams.set(key, value)
    return parsed.href
  }
  const use = <A, E>(href: string, effect: Effect.Effect<A, E, DbCore.DbCore>) =>
    Effect.runPromise(Effect.provide(effect, DbCore.layerOf({}, { url: href })))
  const isEncrypted = Database.use((db) =>
    Effect.map(
      db.query((d) => d.execute<{ ssl: boolean }>(sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`)),
      ({ rows }) => rows[0]?.ssl
    )
  )
  const failure = (href: string): Promise<DbError> => use(href, Effect.flip(isEncrypted))

  it.for(["require", "verify-full"])("encrypts and verifies with sslmode=%s", async (sslmode, context) => {
    if (missing !== undefined) return context.skip(missing)
    assert.isTrue(await use(url(server, { sslmode, sslrootcert: certificates!.ca }), isEncrypted))
    assert.isTrue(await use(url(server, { sslmode, sslrootcert: certificates!.ca }, "localhost"), isEncrypted))
  })

  it("moves a megabyte each way, and cancels", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    await use(
      url(server, { sslmode: "require", sslrootcert: certificates!.ca }),
      Effect.gen(function*() {
        const db = yield* Database
        const text = "x".repeat(1 << 20)
        const { rows } = yield* db.query((d) => d.execute<{ t: string }>(sql`select ${text}::text as t`))
        assert.isTrue(rows[0]?.t === text)
        const sleep = yield* Effect.forkChild(db.write((d) => d.execute(sql`select pg_sleep(29)`)))
        yield* Effect.sleep(100)
        yield* Effect.timeout(Fiber.interrupt(sleep), 2000)
      })
    )
  })

  it("refuses an authority that it was not given", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const error = await failure(url(server, { sslmode: "require" }))
    assert.strictEqual(error.reason._tag, "ConnectFailed")
    assert.include(error.message, "sslrootcert")
    assert.strictEqual(error.fate, "NotSent")
  })

  it("refuses a certificate for another host", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const foreign = makeCertificates("DNS:db.example.com")
    const impostor = await startPostgres({ tls: { cert: foreign.cert, key: foreign.key } })
    const error = await failure(url(impostor, { sslmode: "require", sslrootcert: foreign.ca }))
    await impostor.stop()
    foreign.remove()
    assert.include(error.message, "another host")
  })

  it("refuses a server without TLS instead of going on in clear", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const error = await failure(url(plain, { sslmode: "require", sslrootcert: certificates!.ca }))
    assert.include(error.message, "does not offer TLS")
  })

  it("says that the authority's file cannot be read", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const error = await failure(url(server, { sslmode: "require", sslrootcert: "/no/such/file" }))
    assert.include(error.message, "sslrootcert cannot be read")
  })
})
