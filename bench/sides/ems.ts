import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import { openDatabase } from "@ems/db-core/promise"
import { relations, users } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import type { Side } from "../Side.ts"
import type { Collector } from "./Collector.ts"
import { effectLoop, type Point } from "./effectLoop.ts"

/** `Database.query` with a query built for each call, and with one prepared once. */
const points = Effect.fnUntraced(function*(rows: number) {
  const db = yield* Database.with(relations)
  const prepared = yield* db.query((d) =>
    Effect.succeed(d.select().from(users).where(eq(users.id, sql.placeholder("id"))).prepare("point"))
  )
  let next = 0
  const id = () => BigInt(1 + next++ % rows)
  return {
    built: () => db.query((d) => d.select().from(users).where(eq(users.id, id()))),
    prepared: () => db.query(() => prepared.execute({ id: id() }))
  }
})

/** As it is without an exporter. */
export const ems = async (url: string, rows: number): Promise<{ built: Side; prepared: Side }> => {
  const runtime = ManagedRuntime.make(DbCore.layerOf(relations, { url }))
  const { built, prepared } = await runtime.runPromise(points(rows))
  const loop = (once: () => Point) => (callers: number, until: number) =>
    runtime.runPromise(effectLoop(once, callers, until))
  const close = () => runtime.dispose()
  return {
    built: { name: "ems built", run: loop(built), close },
    prepared: { name: "ems prepared", run: loop(prepared), close }
  }
}

/** Every call's span exported by Effect's OTLP tracer. A run ends when the collector has all of its spans. */
export const emsTraced = async (
  url: string,
  rows: number,
  collector: Collector
): Promise<{ built: Side; prepared: Side }> => {
  const exporter = OtlpTracer.layer({ url: collector.url, resource: { serviceName: "bench" } }).pipe(
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer)
  )
  const runtime = ManagedRuntime.make(Layer.merge(DbCore.layerOf(relations, { url }), exporter))
  const { built, prepared } = await runtime.runPromise(points(rows))
  let made = 0
  const loop = (once: () => Point) => async (callers: number, until: number) => {
    const done = await runtime.runPromise(effectLoop(once, callers, until))
    made += done
    await runtime.runPromise(Effect.flatMap(OtlpExporter.Flusher, ({ flush }) => flush))
    await collector.received(made)
    return done
  }
  const close = () => runtime.dispose()
  return {
    built: { name: "ems OTLP built", run: loop(built), close },
    prepared: { name: "ems OTLP prepared", run: loop(prepared), close }
  }
}

/** The promise API, for callers without Effect. */
export const emsPromise = async (url: string, rows: number): Promise<Side> => {
  const { close, db } = await openDatabase({ relations, url })
  let next = 0
  return {
    name: "ems promise API, built",
    run: async (callers, until) => {
      let done = 0
      await Promise.all(Array.from({ length: callers }, async () => {
        while (performance.now() < until) {
          const found = await db.select().from(users).where(eq(users.id, BigInt(1 + next++ % rows)))
          if (found.length !== 1) throw new Error("a row is missing")
          done++
        }
      }))
      return done
    },
    close
  }
}
