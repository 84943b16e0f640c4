import { connect, type Running, startPostgres } from "@ems/db-testing"
import {
  type Certificates,
  localNames,
  makeCertificates,
  opensslMissing,
  type ServerCertificate
} from "@ems/db-testing/Certificates"
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { changed, look } from "./Examination.ts"

const missing = opensslMissing()

describe("TLS", () => {
  let certificates: Certificates
  let server: Running | undefined
  beforeAll(async () => {
    if (missing !== undefined) return
    certificates = makeCertificates()
    server = await startPostgres({ tls: { cert: certificates.cert, key: certificates.key } })
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    certificates?.remove()
  })

  const url = (query: Record<string, string>, host = "localhost") =>
    changed(server!.url, (parsed) => {
      parsed.hostname = host
      for (const [key, value] of Object.entries(query)) parsed.searchParams.set(key, value)
    })
  /** The server goes on with another certificate, as after a renewal. */
  const present = async ({ cert, key }: ServerCertificate) => {
    // Written in place: they stay the server's user's own.
    fs.writeFileSync(path.join(server!.dataDir, "server.crt"), fs.readFileSync(cert))
    fs.writeFileSync(path.join(server!.dataDir, "server.key"), fs.readFileSync(key))
    const client = await connect(server!.url)
    await client.query("select pg_reload_conf()")
    await client.end()
    // The postmaster reads them when the signal has come.
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  const tls = async (input: string) => {
    const report = await look({ url: input })
    return { report, tls: report.step("tls") }
  }

  it("a verified certificate that ends in a day", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    await present(certificates)
    const { report, tls: step } = await tls(url({ sslmode: "require", sslrootcert: certificates.ca }))
    expect(step).toMatchObject({ status: "warning", advice: [expect.stringContaining("renew it")] })
    expect(step.summary).toMatch(/ends in 1 day$/)
    expect(step.seen).toMatchObject({
      protocol: "TLSv1.3",
      subject: "localhost",
      issuer: "authority",
      names: "DNS:localhost, IP Address:127.0.0.1",
      daysLeft: 1
    })
    expect(report.step("authentication").seen["method"]).toBe("scram-sha-256")
    expect(report.verdict).toBe("findings")
  })

  it("a verified certificate that is good for long", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    await present(certificates.issue(localNames, 90))
    const { tls: step } = await tls(url({ sslmode: "require", sslrootcert: certificates.ca }, "127.0.0.1"))
    expect(step).toMatchObject({ status: "ok", summary: "TLSv1.3, and the certificate is verified", advice: [] })
  })

  it("an unknown authority", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    await present(certificates)
    const { report, tls: step } = await tls(url({ sslmode: "require" }))
    expect(step.status).toBe("failed")
    expect(step.summary).toContain(`the authority "authority"`)
    expect(step.advice[0]).toContain("add sslrootcert=<PEM file of the authority> to DATABASE_URL")
    expect(report.step("authentication").summary).toBe("needs tls, which failed")
    const another = makeCertificates()
    const { tls: other } = await tls(url({ sslmode: "require", sslrootcert: another.ca }))
    another.remove()
    expect(other.advice[0]).toContain("sslrootcert names another authority's file")
  })

  it("a certificate that has ended", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    await present(certificates.issue(localNames, -1))
    const { tls: step } = await tls(url({ sslmode: "require", sslrootcert: certificates.ca }))
    expect(step.status).toBe("failed")
    expect(step.summary).toMatch(/^the server's certificate ended on 20\d\d-\d\d-\d\d$/)
    expect(step.advice).toHaveLength(1)
    expect(step.advice[0]).toContain("renew it")
  })

  it("a certificate for another host, that has ended as well", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    await present(certificates.issue("DNS:db.example.com", 2))
    const { tls: step } = await tls(url({ sslmode: "require", sslrootcert: certificates.ca }))
    expect(step).toMatchObject({
      status: "failed",
      summary: "the certificate is for DNS:db.example.com, not for localhost"
    })
    await present(certificates.issue("DNS:db.example.com", -1))
    const { tls: both } = await tls(url({ sslmode: "require", sslrootcert: certificates.ca }))
    expect(both.summary).toMatch(/ended on .*; the certificate is for DNS:db\.example\.com, not for localhost/)
    expect(both.advice).toHaveLength(2)
  })

  it("an authority's file that cannot be read", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const { tls: step } = await tls(url({ sslmode: "require", sslrootcert: "/no/such/file" }))
    expect(step).toMatchObject({ status: "failed", seen: { sslrootcert: "/no/such/file" } })
  })

  it("off on loopback, where the server would do it", async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const { tls: step } = await tls(url({}))
    expect(step).toMatchObject({ status: "ok", seen: { isOffered: true } })
  })

  it("a server without it", async () => {
    const { tls: off } = await tls(inject("postgresUrl"))
    expect(off).toMatchObject({ status: "ok", seen: { isOffered: false } })
    const { tls: step } = await tls(changed(inject("postgresUrl"), (its) => its.searchParams.set("sslmode", "require")))
    expect(step).toMatchObject({ status: "failed", summary: "the server does not do TLS" })
    expect(step.advice[0]).toContain("ssl = on")
  })
})
