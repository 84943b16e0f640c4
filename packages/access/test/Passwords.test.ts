import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { AccessConfig, type Options } from "../src/AccessConfig.ts"
import { AccessError } from "../src/AccessError.ts"
import { Passwords } from "../src/Passwords.ts"
import { password } from "./support.ts"

const withPasswords = <A, E>(
  use: (passwords: Passwords["Service"]) => Effect.Effect<A, E>,
  options: Options = {}
): Promise<A> =>
  Effect.runPromise(Effect.provide(
    Passwords.use(use),
    Passwords.layerNoDeps().pipe(
      Layer.provide(Layer.merge(AccessConfig.layerOf(options), SecureRandom.layerWebCrypto))
    )
  ))

it("is argon2id with the parameters of OWASP, salted", async () => {
  const [one, two] = await withPasswords((passwords) =>
    Effect.all([passwords.hash(password(), "a@b"), passwords.hash(password(), "a@b")])
  )
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(one).not.toBe(two)
})

it("compares with the hash of nobody, and with what is no hash", async () => {
  const [nobody, broken] = await withPasswords((passwords) =>
    Effect.all([passwords.verify(password(), undefined), passwords.verify(password(), "disabled")])
  )
  expect([nobody, broken]).toEqual([{ isRight: false, rehashed: undefined }, { isRight: false, rehashed: undefined }])
})

it("refuses who would wait too long, and is free again afterwards", async () => {
  await withPasswords((passwords) =>
    Effect.gen(function*() {
      const check = Effect.result(passwords.verify(password(), undefined))
      const results = yield* Effect.all(Array.from({ length: 20 }, () => check), { concurrency: "unbounded" })
      const refused = results.flatMap((result) => result._tag === "Failure" ? [result.failure] : [])
      expect(refused).toHaveLength(20 - 2 - 3)
      for (const error of refused) expect(error).toBeInstanceOf(AccessError)
      expect(refused[0]).toMatchObject({ reason: { _tag: "Overloaded", retryAfterMs: 125 } })
      expect((yield* check)._tag).toBe("Success")
    }), { hashConcurrency: 2, hashWaitingMax: 3 })
})

it("gives its place back when its caller leaves", async () => {
  await withPasswords((passwords) =>
    Effect.gen(function*() {
      const fibers = yield* Effect.forEach(Array.from({ length: 4 }), () =>
        Effect.forkChild(passwords.verify(password(), undefined)))
      yield* Effect.sleep(5)
      yield* Fiber.interruptAll(fibers)
      expect((yield* Effect.result(passwords.verify(password(), undefined)))._tag).toBe("Success")
    }), { hashConcurrency: 1, hashWaitingMax: 3 })
})
