/** What leaves the process over OTLP: Effect's own exporter, and a collector that keeps every body. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"

/** What callers fail with in a transaction of theirs. */
class OwnFailure extends Data.TaggedError("OwnFailure")<{ readonly message: string; readonly cause: string }> {}

let database: TestDatabase
const bodies: Array<string> = []
const collector = http.createServer((request, response) => {
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => body += chunk)
  request.on("end", () => {
    bodies.push(body)
    response.end("{}")
  })
})
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id text primary key, n int check (n > 0))")
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve))
})
afterAll(async () => {
  collector.close()
  await database.close()
})

describe("Export", () => {
  it("holds no value, no text and no address of a call that fails", async () => {
    const { host, password } = new URL(database.url)
    const exporter = OtlpTracer.layer({
      url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`,
      resource: { serviceName: "test" }
    }).pipe(Layer.provide(OtlpSerialization.layerJson), Layer.provide(FetchHttpClient.layer))
    await Effect.runPromise(
      Database.use((db) =>
        Effect.gen(function*() {
          const failing: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
            db.query((d) => d.execute(sql`insert into h values (${"canary"})`)),
            db.query((d) => d.execute(sql`insert into h values ('canary', -1)`)),
            db.write((d) => d.execute(sql`insert into h values (${"canary"})`)),
            db.query((d) => d.execute(sql`select 'canary'::int, 'from canary'`)),
            db.query((d) => d.execute(sql`select canary from h`)),
            db.query((d) => d.execute(sql.raw("canary canary"))),
            db.transaction((tx) =>
              Effect.andThen(
                tx.execute(sql`select 'canary'`),
                Effect.fail(new OwnFailure({ message: "canary", cause: "canary" }))
              )
            ),
            db.transaction((tx) => Effect.andThen(tx.execute(sql`select 'canary'`), Effect.fail({ _tag: "canary" }))),
            db.transaction(() => Effect.die("canary")),
            db.transaction((tx) => tx.transaction(() => Effect.fail("canary")))
          ]
          yield* db.query((d) => d.execute(sql`insert into h values (${"canary"})`))
          yield* Effect.forEach(failing, Effect.exit)
        })
      ).pipe(
        Effect.provide(Layer.merge(DbCore.layerOf({}, { url: database.url }), exporter))
      )
    )
    const exported = bodies.join("\n")
    for (const secret of ["canary", host, password, "insert into", "values"]) assert.notInclude(exported, secret)

    interface Span {
      readonly name: string
      readonly status: { readonly code: number; readonly message?: string }
    }
    const spans = bodies.flatMap((body) =>
      (JSON.parse(body) as { resourceSpans: ReadonlyArray<{ scopeSpans: ReadonlyArray<{ spans: Array<Span> }> }> })
        .resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
    )
    const failures = spans.filter((span) => span.status.code === 2).map((span) =>
      `${span.name}: ${span.status.message}`
    )
    assert.deepStrictEqual(failures.toSorted(), [
      "INSERT h: CheckViolation [23514]",
      "INSERT h: UniqueViolation [23505]",
      "INSERT h: UniqueViolation [23505]",
      "SELECT h: InvalidStatement [42703]",
      "SELECT: InvalidData [22P02]",
      "postgresql: InvalidStatement [42601]",
      "savepoint: the caller's own failure",
      "transaction: the caller's own failure",
      "transaction: the caller's own failure",
      "transaction: the caller's own failure",
      "transaction: the caller's own failure",
      "write: UniqueViolation [23505]"
    ])
  })
})
