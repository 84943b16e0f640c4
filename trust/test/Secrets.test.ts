import { expect, it } from "vitest"
import { makeCanaries, Secrets } from "../Secrets.ts"

const canaries = makeCanaries(1)

it("finds a canary in output, in a message, deep in a cause and in a hidden field", () => {
  const errors = [
    new Error(`Failed query: insert\nparams: ${canaries.value}`),
    new Error("outer", { cause: new Error("inner", { cause: { config: { password: canaries.password } } }) }),
    Object.assign(new Error("refused"), { detail: `Key (id)=(${canaries.value}) already exists.` })
  ]
  for (const error of errors) {
    const secrets = new Secrets(canaries)
    secrets.error("kind", error)
    expect(secrets.found.size).toBe(1)
  }
  const secrets = new Secrets(canaries)
  secrets.text("output", `connecting to postgres://app:${canaries.password}@localhost`)
  expect([...secrets.found]).toEqual(["password in output"])
})

it("finds nothing in an error without one", () => {
  const secrets = new Secrets(canaries)
  secrets.error("kind", new Error("connection lost"))
  expect(secrets.found.size).toBe(0)
})
