import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { parse, type TransportKind } from "../../src/config/DbUrl.ts"

const target = (url: string, transport: TransportKind | "auto" = "auto") =>
  Result.getOrThrow(parse(Redacted.make(url), transport))

const refusal = (url: string, transport: TransportKind | "auto" = "auto") => {
  const result = parse(Redacted.make(url), transport)
  assert.isTrue(Result.isFailure(result), url)
  return Result.isFailure(result) ? result.failure : assert.fail()
}

describe("DbUrl", () => {
  it.each([
    ["postgres://u:p@127.0.0.1:5433/d", "tcp", "disable", false],
    ["postgresql://u@localhost/d", "tcp", "disable", false],
    ["postgres://u@[::1]/d", "tcp", "disable", false],
    ["postgres://u@db.example.com/d", "tcp", "verify-full", false],
    ["postgres://u@db.example.com/d?sslmode=require", "tcp", "verify-full", false],
    ["postgres://u@127.0.0.1/d?sslmode=verify-full", "tcp", "verify-full", false],
    ["postgres://u@ep-x.eu-central-1.aws.neon.tech/d?sslmode=require", "neon", "verify-full", false],
    ["postgres://u@ep-x-pooler.eu-central-1.aws.neon.tech/d", "neon", "verify-full", true],
    ["postgres://u@127.0.0.1/d?pgbouncer=true", "tcp", "disable", true],
    ["postgres://u@neon.tech.evil.com/d", "tcp", "verify-full", false]
  ])("reads %s", (url, kind, tls, pooled) => {
    const parsed = target(url)
    assert.deepStrictEqual([parsed.kind, parsed.tls.mode, parsed.pooled], [kind, tls, pooled])
  })

  it.each([
    ["postgres://u@ep-x-pooler.eu-central-1.aws.neon.tech/d", "ep-x.eu-central-1.aws.neon.tech"],
    ["postgres://u@ep-x.eu-central-1.aws.neon.tech/d", undefined],
    ["postgres://u@127.0.0.1/d?pgbouncer=true", undefined],
    ["postgres://u@db.x-pooler.example.com/d", undefined]
  ])("derives the way past the pooler from %s", (url, host) => assert.strictEqual(target(url).directHost, host))

  it("decodes user, password and database, and defaults the rest as libpq does", () => {
    const parsed = target("postgres://us%40er:p%2Fw%3A@127.0.0.1")
    assert.deepInclude(parsed, { username: "us@er", database: "us@er", port: 5432 })
    assert.strictEqual(parsed.password === undefined ? "" : Redacted.value(parsed.password), "p/w:")
  })

  it("keeps the authority's file, and warns of plaintext off loopback", () => {
    const parsed = target("postgres://u@db.example.com/d?sslrootcert=/etc/ca.pem")
    assert.deepStrictEqual(parsed.tls, { mode: "verify-full", rootCertificate: "/etc/ca.pem" })
    const clear = target("postgres://u@db.example.com/d?sslmode=disable")
    assert.strictEqual(clear.tls.mode, "disable")
    assert.lengthOf(clear.warnings, 1)
    assert.lengthOf(target("postgres://u@127.0.0.1/d?sslmode=disable").warnings, 0)
  })

  it.each([["pglite:", undefined], ["pglite:memory", undefined], ["pglite:/var/d", "/var/d"], [
    "pglite:///var/d",
    "/var/d"
  ], [
    "pglite:./rel",
    "./rel"
  ]])("reads %s", (url, directory) => {
    const parsed = target(url)
    assert.deepStrictEqual([parsed.kind, parsed.directory], ["embedded", directory])
  })

  it("lets a setting choose the transport", () => {
    assert.strictEqual(target("postgres://u@127.0.0.1/d", "neon").kind, "neon")
    assert.strictEqual(target("postgres://u@ep-x.neon.tech/d", "tcp").kind, "tcp")
  })

  it.each([
    "postgres://u:canary@h/d?sslmode=prefer",
    "postgres://u:canary@h/d?sslmode=allow",
    "postgres://u:canary@h/d?sslmode=verify-ca",
    "postgres://u:canary@h/d?sslmode=on",
    "mysql://u:canary@h/d",
    "canary",
    "",
    "postgres://:canary@h/d",
    "postgres://u:canary%ZZ@h/d",
    "postgres://u:canary@h:99999/d"
  ])("refuses %s and never repeats its secret", (url) => {
    const error = refusal(url)
    assert.strictEqual(error.key, "DATABASE_URL")
    assert.notInclude(error.message, "canary")
    assert.isNotEmpty(error.expected)
  })

  it("refuses an embedded transport for a server's URL", () => {
    refusal("postgres://u@h/d", "embedded")
  })
})
