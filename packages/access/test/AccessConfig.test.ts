import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { AccessConfig, AccessConfigError, type Options } from "../src/AccessConfig.ts"
import { canary } from "./support.ts"

const made = (options: Options) =>
  Effect.runPromise(Effect.result(Effect.provide(AccessConfig, AccessConfig.layerOf(options))))

const ofEnvironment = (env: Record<string, string>) =>
  Effect.runPromise(Effect.result(
    Effect.provide(AccessConfig, AccessConfig.layer()).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
    )
  ))

const bytes = (key: Redacted.Redacted<Uint8Array> | undefined) => key && Buffer.from(Redacted.value(key))

describe("the secrets", () => {
  it("are base64 of 32 bytes or more, or text", async () => {
    const random = Buffer.alloc(32, 7)
    const base64 = await ofEnvironment({
      EMS_AUTH_SECRET: random.toString("base64"),
      EMS_AUTH_PREVIOUS_SECRET: "x".repeat(32)
    })
    if (base64._tag === "Failure") throw base64.failure
    expect(bytes(base64.success.secret)).toEqual(random)
    expect(bytes(base64.success.previousSecret)).toEqual(Buffer.from("x".repeat(32)))
  })

  it("may be absent, or empty", async () => {
    for (const env of [{}, { EMS_AUTH_SECRET: "", EMS_AUTH_PREVIOUS_SECRET: "" }]) {
      const config = await ofEnvironment(env)
      expect(config).toMatchObject({ _tag: "Success", success: { secret: undefined, previousSecret: undefined } })
    }
  })

  it.each(["EMS_AUTH_SECRET", "EMS_AUTH_PREVIOUS_SECRET"])(
    "%s is refused when it is short, and not shown",
    async (key) => {
      const config = await ofEnvironment({ [key]: canary })
      if (config._tag === "Success" || !(config.failure instanceof AccessConfigError)) {
        throw new Error(
          "it was accepted"
        )
      }
      expect(config.failure.key).toBe(key)
      expect(config.failure.message).toMatch(/expected base64 of at least 32 random bytes/)
      expect(JSON.stringify(config.failure) + String(config.failure)).not.toContain(canary)
    }
  )
})

it.each([
  { accessTokenLife: 601 },
  { accessTokenLife: 0 },
  { clockTolerance: 6 },
  { revalidateAfter: 1001 },
  { offlineFor: 600_001 },
  { hashConcurrency: 0.5 },
  { rememberedMax: Number.NaN }
])("refuses %j", async (options) => {
  const config = await made(options)
  expect(config._tag === "Failure" && config.failure.key).toBe(Object.keys(options)[0])
})
