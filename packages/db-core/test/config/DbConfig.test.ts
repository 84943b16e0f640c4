import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { inspect } from "node:util"
import { assert, describe, it } from "vitest"
import * as DbConfig from "../../src/config/DbConfig.ts"
import { settings } from "../../src/config/Settings.ts"

const url = "postgres://u:canary@127.0.0.1/d"

const fromEnvironment = (env: Record<string, string>) =>
  Effect.runSync(Effect.result(
    Effect.provideService(DbConfig.fromEnvironment, ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
  ))

describe("DbConfig", () => {
  it("has the product's defaults", () => {
    const config = Result.getOrThrow(DbConfig.make({ url }))
    assert.deepInclude(config, {
      poolMax: 10,
      poolIdleTimeout: 30_000,
      connectTimeout: 10_000,
      poolMaxUses: 7500,
      slowQuery: 1000,
      healthInterval: 30_000,
      applicationName: "ems"
    })
  })

  it.each(Object.entries(settings))("bounds %s", (key, setting) => {
    assert.isAtLeast(setting.default, setting.min)
    assert.isAtMost(setting.default, setting.max)
    for (const value of [setting.min - 1, setting.max + 1, setting.default + 0.5, Number.NaN]) {
      const result = DbConfig.make({ url, [key]: value })
      assert.isTrue(Result.isFailure(result), `${value}`)
      if (Result.isFailure(result)) assert.strictEqual(result.failure.key, setting.env)
    }
    for (const value of [setting.min, setting.max]) {
      assert.isTrue(Result.isSuccess(DbConfig.make({ url, [key]: value })))
    }
  })

  it("reads every setting from the environment", () => {
    const env: Record<string, string> = { DATABASE_URL: url }
    for (const setting of Object.values(settings)) env[setting.env] = String(setting.min)
    const config = Result.getOrThrow(fromEnvironment(env))
    for (const [key, setting] of Object.entries(settings)) {
      assert.strictEqual(config[key as keyof typeof settings], setting.min, key)
    }
  })

  it.each([
    [{}, "DATABASE_URL"],
    [{ DATABASE_URL: "" }, "DATABASE_URL"],
    [{ DATABASE_URL: url, EMS_POOL_MAX: "ten" }, "EMS_POOL_MAX"],
    [{ DATABASE_URL: url, EMS_POOL_MAX: "0x10" }, "EMS_POOL_MAX"],
    [{ DATABASE_URL: url, EMS_POOL_MAX: "0" }, "EMS_POOL_MAX"],
    [{ DATABASE_URL: url, EMS_TRANSPORT: "udp" }, "EMS_TRANSPORT"],
    [{ DATABASE_URL: url, REDIS_URL: "canary" }, "REDIS_URL"],
    [{ DATABASE_URL: url, REDIS_URL: "https://u:canary@h" }, "REDIS_URL"],
    [{ DATABASE_URL: url, REDIS_URL: "redis://:canary@" }, "REDIS_URL"],
    [{ DATABASE_URL: url, REDIS_URL: "redis://:canary%@h" }, "REDIS_URL"],
    [{ DATABASE_URL: url, REDIS_URL: "rediss://:canary@h/zero" }, "REDIS_URL"],
    [{ DATABASE_URL: url, EMS_APPLICATION_NAME: "x".repeat(64) }, "EMS_APPLICATION_NAME"]
  ] as ReadonlyArray<readonly [Record<string, string>, string]>)("refuses %o, naming %s", (env, key) => {
    const result = fromEnvironment(env)
    assert.isTrue(Result.isFailure(result))
    if (!Result.isFailure(result)) return
    assert.deepInclude(result.failure, { _tag: "DbConfigError", key })
    assert.notInclude(String(result.failure), "canary")
  })

  it("is documented: every setting with its default and bounds", () => {
    const page = readFileSync(new URL("../../../../docs/settings.md", import.meta.url), "utf8")
    for (const { default: value, doc, env, max, min, unit } of Object.values(settings)) {
      assert.include(page, `| \`${env}\` | ${value} ${unit} | ${min} to ${max} | ${doc} |`)
    }
  })

  it("shows its secret to nobody", () => {
    const config = Result.getOrThrow(DbConfig.make({ url }))
    for (const text of [inspect(config, { depth: 20 }), JSON.stringify(config)]) assert.notInclude(text, "canary")
  })
})
