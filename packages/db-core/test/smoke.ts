import * as schema from "@ems/schema"
import { relations } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import { migrate } from "drizzle-orm/effect-postgres/migrator"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as DbCore from "../src/DbCore.ts"
import { Database } from "../src/connection/Database.ts"
import { HealthCheck } from "../src/connection/HealthCheck.ts"
import { Pool } from "../src/connection/Pool.ts"

const url = process.argv[2]!
const program = Effect.gen(function*() {
  const db = yield* Database.with(relations)
  console.log("select", yield* db.query((d) => d.execute(sql`select version() as v`)))
  const t = performance.now()
  console.log(yield* db.query((d) => migrate(d as never, { migrationsFolder: "/work/main/drizzle" })), performance.now() - t)
  yield* db.transaction((tx) => tx.delete(schema.users))
  const u = yield* db.write((d) => d.insert(schema.users).values([{ email: "a@x.io", name: "A" }, { email: "b@x.io", name: "B" }] as never).returning())
  console.log(u)
  const dup = yield* Effect.flip(db.write((d) => d.insert(schema.users).values({ email: "a@x.io", name: "A" } as never)))
  console.log(String(dup), JSON.stringify(dup))
  console.log(yield* db.query((d) => d.query.users.findMany({ with: { registrations: true } } as never)))
  console.log(yield* db.query((d) => d.select().from(schema.users).where(eq(schema.users.email, "a@x.io"))))
  const rows = yield* Stream.runCollect(db.stream((d) => d.select().from(schema.users).where(eq(schema.users.email, "b@x.io"))))
  console.log("stream", rows.length, rows[0])
  const bad = yield* Effect.flip(db.query((d) => d.execute(sql`select ${"secret"}::int`)))
  console.log(String(bad))
  const rb = yield* Effect.exit(db.transaction((tx) => Effect.gen(function*() {
    yield* tx.delete(schema.users)
    return yield* Effect.fail("mine" as const)
  })))
  console.log(rb, (yield* db.query((d) => d.$count(schema.users))))
  console.log(yield* (yield* HealthCheck).check)
  const many = yield* Effect.forEach(Array.from({ length: 300 }), () => db.query((d) => d.execute(sql`select pg_backend_pid() as p`)), { concurrency: "unbounded" })
  console.log(new Set(many.map((m) => (m as any).rows[0].p)).size)
  yield* Effect.forEach(Array.from({ length: 30 }), () => db.write((d) => d.execute(sql`select pg_sleep(0.01)`)), { concurrency: "unbounded" })
  console.log(yield* (yield* Pool).snapshot)
})
const t0 = performance.now()
await Effect.runPromise(Effect.provide(program, DbCore.layerOf(relations, { url })))
console.log("done", performance.now() - t0)
