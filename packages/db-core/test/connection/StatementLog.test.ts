import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"
import * as Logging from "../../src/telemetry/Logging.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
})
afterAll(() => database.close())

interface Line {
  readonly level: string
  readonly text: string
}

/** What is logged while a good and a failing statement run, each with a canary in it. */
const logged = async (level: "Debug" | "Info"): Promise<ReadonlyArray<Line>> => {
  const lines: Array<Line> = []
  const capture = Logger.make((options) => {
    lines.push({ level: options.logLevel, text: Logger.formatLogFmt.log(options) })
  })
  const logging = Layer.mergeAll(Logger.layer([capture]), Layer.succeed(References.MinimumLogLevel, level))
  await Effect.runPromise(
    Database.use((db) =>
      Effect.gen(function*() {
        yield* db.query((d) => d.execute(sql`select ${"canary"}::text as x from generate_series(1, 3)`))
        yield* Effect.ignore(db.query((d) => d.execute(sql`select 'canary'::int`)))
      })
    ).pipe(
      Effect.provide(DbCore.layerOf({}, { url: database.url }).pipe(Layer.provideMerge(logging)))
    )
  )
  return lines
}

describe("StatementLog", () => {
  it("writes a line for every statement when somebody watches, and no text or value of it", async () => {
    // A connection that changes lanes says so to the server, in a SET of its own.
    const lines = (await logged("Debug")).filter((line) => !/msg=SET|message=SET/.test(line.text))
    assert.lengthOf(lines, 2)
    assert.deepStrictEqual(lines.map((line) => line.level), ["Debug", "Debug"])
    for (const { text } of lines) {
      assert.match(text, /fingerprint=[0-9a-f]{16}/)
      assert.match(text, /ms=/)
      assert.notInclude(text, "canary")
    }
    assert.match(lines[0]!.text, /message="SELECT generate_series".*rows=3.*outcome=ok/)
    assert.match(lines[1]!.text, /outcome=InvalidData/)
  })

  it("otherwise writes nothing", async () => {
    assert.deepStrictEqual(await logged("Info"), [])
  })
})

describe("Logging", () => {
  it.each([
    [{}, "Info"],
    [{ NODE_ENV: "development" }, "Debug"],
    [{ EMS_LOG: "debug" }, "Debug"],
    [{ NODE_ENV: "development", EMS_LOG: "info" }, "Info"]
  ] as ReadonlyArray<readonly [Record<string, string>, string]>)("with %o logs from %s up", async (env, level) => {
    const provider = ConfigProvider.layer(ConfigProvider.fromUnknown(env))
    const found = await Effect.runPromise(
      Effect.provide(
        Effect.withFiber((fiber) => Effect.succeed(fiber.getRef(References.MinimumLogLevel))),
        Logging.layer.pipe(Layer.provide(provider))
      )
    )
    assert.strictEqual(found, level)
  })
})
