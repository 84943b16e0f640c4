/** Spans of calls, as a tracer in memory is given them; faults made by a proxy before a real server. */
import { createTestDatabase, startWireProxy, type TestDatabase, type WireProxy } from "@ems/db-testing"
import { on } from "@ems/db-testing/WireProxy"
import { sql } from "drizzle-orm"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { afterAll, afterEach, assert, beforeAll, describe, it, vi } from "vitest"
import { Database, type DatabaseShape } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"

let database: TestDatabase
let proxy: WireProxy
let runtime: ManagedRuntime.ManagedRuntime<DbCore.DbCore, unknown>
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id text primary key)")
  await database.admin(`create function writes(id text) returns text language sql volatile
    as $$ insert into h values (id); select id $$`)
  proxy = await startWireProxy({ postgresUrl: database.url })
  runtime = ManagedRuntime.make(DbCore.layerOf({}, { url: proxy.url, poolMax: 4 }))
})
afterEach(() => proxy.heal())
afterAll(async () => {
  await runtime.dispose()
  await proxy.close()
  await database.close()
})

type Use<A, E> = (db: DatabaseShape<{}>) => Effect.Effect<A, E, DbCore.DbCore>

/** Runs `use` below a span `caller`; gives the other spans in the order they were begun. */
const traced = async <A, E>(use: Use<A, E>) => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  await runtime.runPromise(
    Effect.exit(Database.use((db) => use(db as unknown as DatabaseShape<{}>))).pipe(
      Effect.withSpan("caller"),
      Effect.provideService(Tracer.Tracer, tracer)
    )
  )
  const [caller, ...calls] = spans
  return { caller: caller!, calls }
}

const parentOf = (span: Tracer.Span) => Option.getOrUndefined(span.parent)?.spanId
const attributesOf = (span: Tracer.Span) => Object.fromEntries(span.attributes)
const outcomeOf = (span: Tracer.Span): string => {
  assert.strictEqual(span.status._tag, "Ended")
  return span.status._tag === "Ended" ? span.status.exit._tag : "unfinished"
}
const insert = (id: string) => sql`insert into h values (${id})`

describe("CallSpan", () => {
  it("is a client span for each statement, under the caller's", async () => {
    const { caller, calls } = await traced((db) =>
      Effect.andThen(
        db.query((d) => d.execute(sql`select * from generate_series(1, 3)`)),
        db.query((d) => d.execute(insert("plain")))
      )
    )
    assert.deepStrictEqual(calls.map((span) => [span.name, span.kind, parentOf(span), outcomeOf(span)]), [
      ["SELECT generate_series", "client", caller.spanId, "Success"],
      ["INSERT h", "client", caller.spanId, "Success"]
    ])
    assert.deepStrictEqual(calls.map(attributesOf), [
      {
        "db.system.name": "postgresql",
        "db.namespace": database.name,
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT generate_series",
        "ems.lane": "shared",
        "db.response.returned_rows": 3
      },
      {
        "db.system.name": "postgresql",
        "db.namespace": database.name,
        "db.operation.name": "INSERT",
        "db.query.summary": "INSERT h",
        "ems.lane": "exclusive",
        "db.response.returned_rows": 0
      }
    ])
  })

  it("says of a failure its reason, code and fate", async () => {
    const { calls: [span] } = await traced((db) => db.query((d) => d.execute(sql`select 'x'::int`)))
    assert.strictEqual(outcomeOf(span!), "Failure")
    assert.deepStrictEqual(attributesOf(span!), {
      "db.system.name": "postgresql",
      "db.namespace": database.name,
      "db.operation.name": "SELECT",
      "db.query.summary": "SELECT",
      "ems.lane": "shared",
      "ems.attempts": 1,
      "error.type": "InvalidData",
      "ems.fate": "Refused",
      "db.response.status_code": "22P02"
    })
  })

  it("is one for a transaction, the parent of its statements' and savepoints'", async () => {
    const { caller, calls } = await traced((db) =>
      db.transaction((tx) =>
        Effect.andThen(
          tx.execute(insert("in transaction")),
          tx.transaction((inner) => inner.execute(insert("in savepoint")))
        )
      )
    )
    const [transaction, first, savepoint, second] = calls
    assert.deepStrictEqual(calls.map((span) => span.name), ["transaction", "INSERT h", "savepoint", "INSERT h"])
    assert.deepStrictEqual([transaction!, first!, savepoint!, second!].map(parentOf), [
      caller.spanId,
      transaction!.spanId,
      transaction!.spanId,
      savepoint!.spanId
    ])
    assert.isTrue(calls.every((span) => outcomeOf(span) === "Success"))
  })

  it("is one for a write", async () => {
    const { calls } = await traced((db) => db.write((d) => d.execute(insert("written"))))
    assert.deepStrictEqual(calls.map((span) => span.name), ["write", "INSERT h"])
    assert.strictEqual(parentOf(calls[1]!), calls[0]!.spanId)
  })

  it("is one for a transaction of the promise API", async () => {
    const { calls } = await traced((db) =>
      Effect.flatMap(
        Effect.context(),
        (context) =>
          Effect.promise(() =>
            db.promises((effect) => Effect.runPromiseExitWith(context)(effect)).transaction((tx) =>
              tx.execute(insert("promised"))
            )
          )
      )
    )
    assert.deepStrictEqual(calls.map((span) => span.name), ["transaction", "INSERT h"])
    assert.strictEqual(parentOf(calls[1]!), calls[0]!.spanId)
  })

  it("counts the attempts of a read whose connection is cut, and says why and when", async () => {
    const registry = new Map()
    const rule = proxy.add({
      match: on.dataRow(/forty-two/),
      action: { do: "cut", how: "reset", at: "inside" },
      times: 1
    })
    const { calls: [span] } = await traced((db) =>
      Effect.provideService(
        db.query((d) => d.execute(sql`select 42 as n, 'forty-two' as t`)),
        Metric.MetricRegistry,
        registry
      )
    )
    assert.strictEqual(rule.fired, 1)
    assert.strictEqual(outcomeOf(span!), "Success")
    assert.deepInclude(attributesOf(span!), { "ems.attempts": 2, "ems.retry.reason": "ConnectionLost" })
    assert.deepStrictEqual(span!.events.map(([name, , attributes]) => [name, attributes]), [
      ["retry", { "ems.retry.attempt": 2, "ems.retry.reason": "ConnectionLost", "ems.retry.wait_ms": 0 }]
    ])
    const counted = await Effect.runPromise(Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry))
    assert.deepStrictEqual(counted.map(({ attributes, id, state }) => ({ id, attributes, state })), [{
      id: "ems.db.retries",
      attributes: { reason: "ConnectionLost", fate: "Unknown" },
      state: { count: 1, incremental: true }
    }])
  })

  it("counts what runs a transaction again: a COMMIT that was lost", async () => {
    proxy.add({ match: on.statement(/^COMMIT/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
    const { calls } = await traced((db) => db.write((d) => d.execute(insert("again"))))
    assert.deepStrictEqual(calls.map((span) => span.name), ["write", "INSERT h", "INSERT h"])
    assert.deepInclude(attributesOf(calls[0]!), { "ems.attempts": 2, "ems.retry.reason": "ConnectionLost" })
    assert.notProperty(attributesOf(calls[1]!), "ems.attempts")
  })

  it("does not count a failure that is not tried again", async () => {
    const registry = new Map()
    proxy.add({ match: on.complete(/^INSERT/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
    const { calls: [span] } = await traced((db) =>
      Effect.provideService(db.query((d) => d.execute(insert("lost"))), Metric.MetricRegistry, registry)
    )
    assert.deepInclude(attributesOf(span!), {
      "ems.attempts": 1,
      "error.type": "CommitUnknown",
      "ems.fate": "Unknown"
    })
    assert.deepStrictEqual([span!.events.length, registry.size], [0, 0])
  })

  it("tells the lane on which a function that writes ended up", async () => {
    const { calls: [span] } = await traced((db) => db.query((d) => d.execute(sql`select writes('moved')`)))
    assert.deepInclude(attributesOf(span!), {
      "ems.lane": "exclusive",
      "ems.attempts": 2,
      "ems.retry.reason": "ReadOnly"
    })
  })

  it("says that the caller was gone at its deadline", async () => {
    const { calls } = await traced((db) =>
      Effect.andThen(
        Effect.exit(db.query((d) => d.execute(sql`select pg_sleep(5)`), { timeout: 100 })),
        Effect.sleep(600)
      )
    )
    assert.deepInclude(attributesOf(calls[0]!), { "error.type": "DeadlineExceeded", "ems.fate": "Unknown" })
  })

  it("is no failure when the caller interrupts", async () => {
    const { calls: [span] } = await traced((db) =>
      Effect.timeoutOption(db.query((d) => d.execute(sql`select pg_sleep(5)`), { cancellable: true }), 100)
    )
    assert.strictEqual(outcomeOf(span!), "Failure")
    assert.notProperty(attributesOf(span!), "error.type")
  })

  it("is not made for Effect's own tracer, nor where tracing is off", async () => {
    const own = await runtime.runPromise(
      Effect.withFiber((fiber) => Effect.succeed(fiber.cache.tracer))
    )
    assert.isUndefined(own)
    const made = vi.spyOn(Tracer.nativeTracer, "span")
    const work = Database.use((db) =>
      Effect.andThen(
        db.query((d) => d.execute(sql`select 1`)),
        db.transaction((tx) => tx.execute(sql`select 2`))
      )
    )
    await runtime.runPromise(work)
    await runtime.runPromise(Effect.provideService(work, Tracer.Tracer, Tracer.nativeTracer))
    const other = Tracer.make({ span: (options) => Tracer.nativeTracer.span(options) })
    await runtime.runPromise(work.pipe(Effect.withTracerEnabled(false), Effect.provideService(Tracer.Tracer, other)))
    assert.lengthOf(made.mock.calls, 0)
    // The same watch sees the spans of a tracer that is one.
    await runtime.runPromise(Effect.provideService(work, Tracer.Tracer, other))
    assert.lengthOf(made.mock.calls, 3)
    made.mockRestore()
  })

  it("begins as Effect's own spans do", async () => {
    const begun: Array<Parameters<Tracer.Tracer["span"]>[0]> = []
    const tracer = Tracer.make({
      span: (options) => {
        begun.push(options)
        return new Tracer.NativeSpan(options)
      }
    })
    const pair = Effect.andThen(
      Effect.asVoid(Effect.makeSpan("SELECT", { kind: "client" })),
      Database.use((db) => db.query((d) => d.execute(sql`select 1`)))
    )
    const hidden = Tracer.externalSpan({
      spanId: "hidden",
      traceId: "hidden",
      annotations: Context.make(Tracer.DisablePropagation, true)
    })
    const shown = Tracer.externalSpan({ spanId: "shown", traceId: "shown" })
    const unsampled = Tracer.externalSpan({ spanId: "unsampled", traceId: "unsampled", sampled: false })
    const circumstances = [
      pair,
      Effect.provideService(pair, Tracer.ParentSpan, shown),
      Effect.provideService(pair, Tracer.ParentSpan, hidden),
      Effect.provideService(pair, Tracer.ParentSpan, unsampled),
      Effect.linkSpans(pair, shown),
      Effect.provideService(pair, Tracer.MinimumTraceLevel, "Error"),
      Effect.withSpan(pair, "below", { annotations: Context.make(Tracer.DisablePropagation, true) })
    ]
    for (const circumstance of circumstances) {
      begun.length = 0
      await runtime.runPromise(Effect.provideService(circumstance, Tracer.Tracer, tracer))
      const [theirs, ours] = begun.map((options) => ({ ...options, startTime: 0n }))
      assert.isDefined(ours)
      assert.deepStrictEqual(ours, theirs)
    }
    const { calls: [annotated] } = await traced((db) =>
      Effect.annotateSpans(db.query((d) => d.execute(sql`select 1`)), "tenant", 7)
    )
    assert.strictEqual(attributesOf(annotated!)["tenant"], 7)
  })

  it("counts what a transaction waits for before it begins", async () => {
    await proxy.setConnect("refuse")
    proxy.cutAll("reset")
    const running = traced((db) => db.transaction((tx) => tx.execute(sql`select 1`)))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await proxy.setConnect("accept")
    const { calls: [transaction] } = await running
    assert.strictEqual(outcomeOf(transaction!), "Success")
    assert.isAtLeast(Number(attributesOf(transaction!)["ems.attempts"]), 2)
    assert.strictEqual(attributesOf(transaction!)["ems.retry.reason"], "ConnectFailed")
  })

  it("counts every attempt at a server that is away, with growing waits", async () => {
    await proxy.setConnect("refuse")
    proxy.cutAll("reset")
    const { calls: [span] } = await traced((db) => db.query((d) => d.execute(sql`select 1 from h`)))
    assert.deepInclude(attributesOf(span!), {
      "ems.attempts": 6,
      "ems.retry.reason": "ConnectFailed",
      "error.type": "ConnectFailed",
      "ems.fate": "NotSent"
    })
    const waits = span!.events.map(([, , attributes]) => Number(attributes["ems.retry.wait_ms"]))
    assert.lengthOf(waits, 5)
    assert.strictEqual(waits[0], 0)
    assert.isAbove(waits[4]!, waits[1]!)
  })
})
