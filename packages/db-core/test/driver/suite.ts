/** One suite for every transport: what an application does all day, and what must not go wrong while it does. */
import { events, registrations, relations, users } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { Database, type DatabaseShape } from "../../src/connection/Database.ts"
import { HealthCheck } from "../../src/connection/HealthCheck.ts"
import { Pool } from "../../src/connection/Pool.ts"
import * as DbCore from "../../src/DbCore.ts"
import type { DbError } from "../../src/errors/DbError.ts"
import * as Migrator from "../../src/migration/Migrator.ts"
import { type TargetName, targets, type TestTarget } from "./target.ts"

const migrations = fileURLToPath(new URL("../../../../drizzle", import.meta.url))
type Db = DatabaseShape<typeof relations>

const secret = "canary-7f3a"

/** `missing` says what this machine lacks for it, if anything. */
export const driverSuite = (name: TargetName, missing?: string) => {
  describe(`driver over ${name}`, () => {
    let target: TestTarget
    let runtime: ManagedRuntime.ManagedRuntime<DbCore.DbCore, unknown>

    const run = <A, E>(use: (db: Db) => Effect.Effect<A, E, DbCore.DbCore>): Promise<A> =>
      runtime.runPromise(Effect.flatMap(Database.with(relations), use))
    const fails = <A>(use: (db: Db) => Effect.Effect<A, DbError, DbCore.DbCore>): Promise<DbError> =>
      run((db) => Effect.flip(use(db)))

    beforeAll(async () => {
      if (missing !== undefined) return
      target = await targets[name]()
      runtime = ManagedRuntime.make(DbCore.layerOf(relations, target.input))
      if (target.admin === undefined) await runtime.runPromise(Migrator.migrate(migrations))
    }, 60_000)
    afterAll(async () => {
      if (missing !== undefined) return
      await runtime.dispose()
      await target.close()
    })
    beforeEach(async (context) => {
      if (missing !== undefined) context.skip(missing)
      await run((db) => db.transaction((tx) => tx.execute(sql`truncate users, events, registrations cascade`)))
    })

    const user = (email: string, label = "Somebody") => ({ email, name: label })
    const insertUser = (db: Db, email: string) => db.write((d) => d.insert(users).values(user(email)).returning())

    it("writes, reads, updates and deletes with builders", () =>
      run((db) =>
        Effect.gen(function*() {
          const [created] = yield* insertUser(db, "ada@x.io")
          assert.strictEqual(typeof created?.id, "bigint")
          assert.ok(created?.createdAt instanceof Date)
          yield* db.write((d) => d.update(users).set({ name: "Ada Lovelace 🎉" }).where(eq(users.email, "ada@x.io")))
          const read = yield* db.query((d) => d.select().from(users).where(eq(users.email, "ada@x.io")))
          assert.deepStrictEqual(read.map((row) => row.name), ["Ada Lovelace 🎉"])
          assert.ok(read[0]!.updatedAt >= created.updatedAt)
          const deleted = yield* db.write((d) => d.delete(users).returning({ email: users.email }))
          assert.deepStrictEqual(deleted, [{ email: "ada@x.io" }])
        })
      ))

    it("reads relations", () =>
      run((db) =>
        Effect.gen(function*() {
          const [organizer] = yield* insertUser(db, "org@x.io")
          const [event] = yield* db.write((d) =>
            d.insert(events).values({
              organizerId: organizer!.id,
              title: "Meetup",
              venue: "Hall",
              eventDate: new Date("2030-01-02T10:00:00Z"),
              registrationDeadline: new Date("2030-01-01T10:00:00Z"),
              capacity: 10,
              priceMinor: 9_007_199_254_740_993n,
              currency: "EUR"
            }).returning()
          )
          yield* db.write((d) =>
            d.insert(registrations).values({
              userId: organizer!.id,
              eventId: event!.id,
              amountMinor: 9_007_199_254_740_993n,
              currency: "EUR"
            })
          )
          const found = yield* db.query((d) =>
            d.query.users.findFirst({ with: { registrations: { with: { event: true } } } })
          )
          assert.strictEqual(found?.registrations[0]?.event?.priceMinor, 9_007_199_254_740_993n)
          assert.deepStrictEqual(found?.registrations[0]?.event?.eventDate, new Date("2030-01-02T10:00:00Z"))
        })
      ))

    it("runs raw SQL with parameters of every usual type", () =>
      run((db) =>
        Effect.gen(function*() {
          const at = new Date("2026-03-04T05:06:07.089Z")
          const { rows } = yield* db.query((d) =>
            d.execute<Record<string, unknown>>(
              sql`select ${1}::int as i, ${2n ** 62n}::int8 as big, ${1.5}::float8 as f,
              ${true}::bool as b, ${null}::text as n, ${"ü \u{1F600}"}::text as t, ${at.toISOString()}::timestamptz as at,
              ${"{\"a\":[1]}"}::jsonb as j`
            )
          )
          assert.deepInclude(rows[0], { i: 1, big: 2n ** 62n, f: 1.5, b: true, n: null, t: "ü \u{1F600}" })
          assert.deepStrictEqual(rows[0]?.["j"], { a: [1] })
        })
      ))

    it("runs one prepared query many times", () =>
      run((db) =>
        Effect.gen(function*() {
          yield* insertUser(db, "a@x.io")
          yield* insertUser(db, "b@x.io")
          const prepared = yield* db.query((d) =>
            Effect.succeed(d.select().from(users).where(eq(users.email, sql.placeholder("email"))).prepare("by_email"))
          )
          for (const email of ["a@x.io", "b@x.io", "a@x.io", "c@x.io"]) {
            const rows = yield* db.query(() => prepared.execute({ email }))
            assert.deepStrictEqual(rows.map((row) => row.email), email === "c@x.io" ? [] : [email])
          }
        })
      ))

    it("commits a transaction that succeeds and rolls back one that fails with the caller's own error", () =>
      run((db) =>
        Effect.gen(function*() {
          yield* db.transaction((tx) => tx.insert(users).values(user("in@x.io")))
          const exit = yield* Effect.exit(db.transaction((tx) =>
            Effect.gen(function*() {
              yield* tx.insert(users).values(user("out@x.io"))
              return yield* Effect.fail("mine" as const)
            })
          ))
          assert.deepStrictEqual(exit, Exit.fail("mine" as const))
          assert.strictEqual(yield* db.query((d) => d.$count(users)), 1)
        })
      ))

    it("keeps the outer transaction when a nested one fails", () =>
      run((db) =>
        Effect.gen(function*() {
          yield* db.transaction((tx) =>
            Effect.gen(function*() {
              yield* tx.insert(users).values(user("outer@x.io"))
              const inner = yield* Effect.flip(
                db.transaction((nested) => nested.insert(users).values(user("outer@x.io")))
              )
              assert.strictEqual(inner.reason._tag, "UniqueViolation")
              yield* tx.insert(users).values(user("after@x.io"))
            })
          )
          assert.strictEqual(yield* db.query((d) => d.$count(users)), 2)
        })
      ))

    it("runs queries inside a transaction on its connection", () =>
      run((db) =>
        db.transaction((tx) =>
          Effect.gen(function*() {
            yield* tx.insert(users).values(user("mine@x.io"))
            assert.strictEqual(yield* db.query((d) => d.$count(users)), 1)
          })
        )
      ))

    it("reports a COMMIT that the server answers with ROLLBACK", async () => {
      const error = await fails((db) =>
        db.transaction((tx) =>
          // The failure is swallowed, so the callback succeeds inside a failed transaction.
          Effect.ignore(tx.execute(sql`select 1 / 0`))
        )
      )
      assert.strictEqual(error.reason._tag, "CommitRolledBack")
      assert.strictEqual(error.fate, "RolledBack")
    })

    it("sets isolation level and access mode", async () => {
      const error = await fails((db) =>
        db.transaction(
          (tx) => tx.insert(users).values(user("ro@x.io")),
          { isolationLevel: "repeatable read", accessMode: "read only" }
        )
      )
      assert.strictEqual(error.reason._tag, "ReadOnly")
    })

    it.each(
      [
        [
          "UniqueViolation",
          "idx_users_email",
          (db: Db) => db.write((d) => d.insert(users).values([user(`${secret}@x.io`), user(`${secret}@x.io`)]))
        ],
        ["CheckViolation", "users_email_valid", (db: Db) => db.write((d) => d.insert(users).values(user(secret)))],
        [
          "ForeignKeyViolation",
          "registrations_user_id_users_id_fkey",
          (db: Db) =>
            db.write((d) =>
              d.insert(registrations).values({ userId: 1n, eventId: 1n, amountMinor: 1n, currency: "EUR" })
            )
        ],
        [
          "NotNullViolation",
          undefined,
          (db: Db) =>
            db.write((d) => d.execute(sql`insert into users (email, name) values (${`${secret}@x.io`}, null)`))
        ],
        ["InvalidData", undefined, (db: Db) => db.query((d) => d.execute(sql`select ${secret}::int`))],
        [
          "InvalidStatement",
          undefined,
          (db: Db) => db.query((d) => d.execute(sql`select '${sql.raw(secret)}' from from`))
        ],
        ["InvalidData", undefined, (db: Db) => db.query((d) => d.execute(sql`select ${`${secret}\u0000`}::text`))]
      ] as const
    )("fails with %s and tells no value", async (tag, constraint, use) => {
      const error = await fails(use as (db: Db) => Effect.Effect<unknown, DbError>)
      assert.strictEqual(error.reason._tag, tag)
      assert.strictEqual(error.reason.constraint, constraint)
      assert.strictEqual(error.fate, "Refused")
      const { inspect } = await import("node:util")
      for (const text of [String(error), JSON.stringify(error), error.stack ?? "", inspect(error, { depth: 20 })]) {
        assert.notInclude(text, secret)
      }
    })

    it("streams more rows than a batch, joined columns of one name apart", () =>
      run((db) =>
        Effect.gen(function*() {
          yield* db.write((d) =>
            d.execute(
              sql`insert into users (email, name) select 'u' || n || '@x.io', 'U' || n from generate_series(1, 1000) n`
            )
          )
          const all = yield* Stream.runCollect(db.stream((d) => d.select().from(users).orderBy(users.id)))
          assert.strictEqual(all.length, 1000)
          assert.strictEqual(all[999]?.email, "u1000@x.io")
          const twice = yield* Stream.runCollect(
            db.stream((d) =>
              d.select({ a: users, b: sql<string>`'b'`.as("email") }).from(users).where(eq(users.email, "u7@x.io"))
            )
          )
          assert.strictEqual(twice[0]?.a.email, "u7@x.io")
          assert.strictEqual(twice[0]?.b, "b")
        })
      ))

    it("gives the connection back when a stream is left early, and streams inside a transaction", () =>
      run((db) =>
        Effect.gen(function*() {
          yield* db.transaction((tx) =>
            Effect.gen(function*() {
              yield* tx.insert(users).values(Array.from({ length: 600 }, (_, at) => user(`s${at}@x.io`)))
              const seen = yield* Stream.runCollect(db.stream((d) => d.select().from(users)))
              assert.strictEqual(seen.length, 600)
            })
          )
          const few = yield* Stream.runCollect(Stream.take(db.stream((d) => d.select().from(users)), 3))
          assert.strictEqual(few.length, 3)
          const pool = yield* Pool
          assert.strictEqual((yield* pool.snapshot).acquired, 0)
          const failed = yield* Effect.flip(
            Stream.runCollect(db.stream((d) => d.select({ x: sql`1 / (${users.id} - ${users.id})` }).from(users)))
          )
          assert.strictEqual(failed.reason._tag, "InvalidData")
          assert.strictEqual((yield* pool.snapshot).acquired, 0)
        })
      ))

    it("answers 500 reads at once, each with its own answer", () =>
      run((db) =>
        Effect.gen(function*() {
          const answers = yield* Effect.forEach(
            Array.from({ length: 500 }, (_, at) => at),
            (at) =>
              Effect.map(db.query((d) => d.execute<{ n: number }>(sql`select ${at}::int as n`)), (r) => r.rows[0]?.n),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(answers, Array.from({ length: 500 }, (_, at) => at))
          const { max, total } = yield* (yield* Pool).snapshot
          assert.isAtMost(total, max)
        })
      ))

    it("never hands on a connection inside a transaction", () =>
      run((db) =>
        Effect.gen(function*() {
          yield* db.query((d) => d.execute(sql`begin`))
          yield* insertUser(db, "kept@x.io")
          const { closed } = yield* (yield* Pool).snapshot
          assert.isAtLeast(closed.dirty, 1)
          assert.strictEqual(yield* db.query((d) => d.$count(users)), 1)
        })
      ))

    it("rolls back when the caller goes away", () =>
      run((db) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(
            db.transaction((tx) => Effect.andThen(tx.insert(users).values(user("gone@x.io")), Effect.never))
          )
          yield* Effect.sleep(100)
          yield* Fiber.interrupt(fiber)
          assert.strictEqual(yield* db.query((d) => d.$count(users)), 0)
        })
      ))

    it("moves a megabyte each way", () =>
      run((db) =>
        Effect.gen(function*() {
          const text = "0123456789abcdef".repeat(65_536)
          const { rows } = yield* db.query((d) => d.execute<{ t: string }>(sql`select ${text}::text as t`))
          assert.strictEqual(rows[0]?.t === text, true)
        })
      ))

    it("says that it is healthy, and with how many connections", () =>
      run(() =>
        Effect.gen(function*() {
          const health = yield* (yield* HealthCheck).check
          assert.strictEqual(health.status, "healthy")
          assert.isAtLeast(health.pool.total, 1)
          assert.ok(health.lastAnswerAt !== undefined)
        })
      ))

    if (name !== "embedded") serverCases(name, () => target, run, fails)
  })
}

/** What only a server outside of the process can show. */
const serverCases = (
  name: TargetName,
  target: () => TestTarget,
  run: <A, E>(use: (db: Db) => Effect.Effect<A, E, DbCore.DbCore>) => Promise<A>,
  fails: <A>(use: (db: Db) => Effect.Effect<A, DbError, DbCore.DbCore>) => Promise<DbError>
) => {
  const sleeping = () =>
    target().admin!(
      "select pid from pg_stat_activity where datname = current_database() and query like '%pg_sleep(29)%' and state = 'active' and pid <> pg_backend_pid()"
    )

  it.each(["write", "cancellable read"])(
    "stops the statement at the server when its caller goes away: %s",
    async (kind) => {
      await run((db) =>
        Effect.gen(function*() {
          const sleep = kind === "write"
            ? db.write((d) => d.execute(sql`select pg_sleep(29)`))
            : db.query((d) => d.execute(sql`select count(*), pg_sleep(29) from users`), { cancellable: true })
          const fiber = yield* Effect.forkChild(sleep)
          yield* Effect.promise(async () => {
            while ((await sleeping()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
          })
          yield* Fiber.interrupt(fiber)
        })
      )
      const stoppedBy = performance.now() + 1000
      while ((await sleeping()).length > 0 && performance.now() < stoppedBy) await new Promise((r) => setTimeout(r, 10))
      assert.deepStrictEqual(await sleeping(), [])
    }
  )

  it("tells a statement on a killed connection that its fate is unknown, and serves the next caller", async () => {
    const error = await run((db) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.flip(db.query((d) => d.execute(sql`select pg_sleep(29)`))))
        yield* Effect.promise(async () => {
          while ((await sleeping()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
          for (const { pid } of await sleeping()) await target().admin!("select pg_terminate_backend($1)", [pid])
        })
        return yield* Fiber.join(fiber)
      })
    )
    assert.strictEqual(error.reason._tag, "CommitUnknown")
    assert.strictEqual(error.reason.sqlState, "57P01")
    assert.strictEqual(error.fate, "Unknown")
    assert.strictEqual(await run((db) => db.query((d) => d.$count(users))), 0)
  })

  it("tells a transaction on a killed connection that it was rolled back", async () => {
    const error = await fails((db) =>
      db.transaction((tx) =>
        Effect.gen(function*() {
          yield* tx.insert(users).values({ email: "killed@x.io", name: "K" })
          const { rows } = yield* tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
          yield* Effect.promise(() => target().admin!("select pg_terminate_backend($1)", [rows[0]!.pid]))
          yield* Effect.sleep(50)
          yield* tx.insert(users).values({ email: "after@x.io", name: "K" })
        })
      )
    )
    assert.strictEqual(error.fate, "RolledBack")
    assert.strictEqual(await run((db) => db.query((d) => d.$count(users))), 0)
  })

  // A pooler asks for passwords itself, and keeps its connections.
  if (name === "pgbouncer") return

  it("refuses a wrong password with one clear error that does not repeat it", async () => {
    const url = new URL(target().input.url as string)
    url.password = secret
    const error = await Effect.runPromise(
      Effect.flatMap(Database.with(relations), (db) => Effect.flip(db.query((d) => d.execute(sql`select 1`)))).pipe(
        Effect.provide(DbCore.layerOf(relations, { ...target().input, url: url.href }))
      )
    )
    assert.strictEqual(error.reason._tag, "AuthenticationFailed")
    assert.strictEqual(error.fate, "NotSent")
    assert.notInclude(JSON.stringify(error), secret)
  })

  it("leaves no connection behind when its scope closes", async () => {
    const applicationName = `closing-${name}`
    const backends = () =>
      target().admin!("select pid from pg_stat_activity where application_name = $1", [applicationName])
    await Effect.runPromise(
      Effect.gen(function*() {
        const db = yield* Database.with(relations)
        yield* Effect.forEach([1, 2, 3], () => db.write((d) => d.execute(sql`select pg_sleep(0.05)`)), {
          concurrency: "unbounded"
        })
        assert.strictEqual((yield* Effect.promise(backends)).length, 3)
      }).pipe(Effect.provide(DbCore.layerOf(relations, { ...target().input, applicationName })))
    )
    const by = performance.now() + 1000
    while ((await backends()).length > 0 && performance.now() < by) await new Promise((r) => setTimeout(r, 10))
    assert.deepStrictEqual(await backends(), [])
  })
}
