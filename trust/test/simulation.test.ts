import { type DbError, DbError as Errors, isDbError } from "@ems/db-core/errors/DbError"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Backend } from "../simulation/Backend.ts"
import type { SimulatedDatabase } from "../simulation/Callers.ts"
import { generate, leastOperations } from "../simulation/generate.ts"
import { run, type Wrap } from "../simulation/Run.ts"
import { shrink } from "../simulation/shrink.ts"

let backend: Backend
beforeAll(async () => {
  backend = await Backend.boot()
})
afterAll(() => backend.close())

const seeds = Array.from({ length: 25 }, (_, at) => at + 1)

/** The first seed that shows a flaw of `kind` through `wrap`. */
const firstWith = async (kind: string, wrap: Wrap): Promise<number | undefined> => {
  for (const seed of seeds) {
    const { flaws } = await run(backend, generate(seed), wrap)
    if (flaws.some((flaw) => flaw.startsWith(kind))) return seed
  }
  return undefined
}

/** The layer with every lone statement passed through `change`. */
const changed = (
  change: <A, E, R>(call: Effect.Effect<A, E | DbError, R>) => Effect.Effect<A, E | DbError, R>
): Wrap =>
(database): SimulatedDatabase => ({
  ...database,
  query: (use, options) => change(database.query(use, options)),
  write: (use, options) => change(database.write(use, options))
})

const isUnknown = (error: unknown): boolean => isDbError(error) && error.fate === "Unknown"

describe("a mistake above the layer is found", () => {
  it("as DOUBLE: a statement that may have run is sent again", async () => {
    const seed = await firstWith("DOUBLE", changed((call) => Effect.retry(call, { times: 2, while: isUnknown })))
    expect(seed).toBeDefined()
  })

  it("as LIED: what is unknown is called rolled back", async () => {
    const seed = await firstWith(
      "LIED",
      changed((call) =>
        Effect.mapError(call, (error) =>
          isDbError(error) && isUnknown(error)
            ? Errors.of("ConnectionLost", "RolledBack", "query", error.reason)
            : error)
      )
    )
    expect(seed).toBeDefined()
  })

  it("as LOST: what failed is called a success", async () => {
    const seed = await firstWith("LOST", (database) => ({
      ...database,
      // Nobody looks at what an INSERT gives back.
      write: (use, options) =>
        Effect.catchIf(database.write(use, options), isDbError, () => Effect.succeed(undefined as never))
    }))
    expect(seed).toBeDefined()
  })

  it("as HUNG: a call that never comes back", async () => {
    const seed = await firstWith("HUNG", changed((call) => Effect.catchIf(call, isUnknown, () => Effect.never)))
    expect(seed).toBeDefined()
  })
})

describe("a seed", () => {
  it("has the same trace whenever it runs", async () => {
    for (const seed of seeds.slice(0, 5)) {
      const first = await run(backend, generate(seed))
      const second = await run(backend, generate(seed))
      expect(second.trace).toEqual(first.trace)
      expect(second.hash).toBe(first.hash)
    }
  })

  it("has enough operations, and another trace than its neighbour", async () => {
    const hashes = new Set<string>()
    for (const seed of seeds.slice(0, 5)) {
      const { hash, told } = await run(backend, generate(seed))
      expect(told.length).toBeGreaterThanOrEqual(leastOperations)
      hashes.add(hash)
    }
    expect(hashes.size).toBe(5)
  })
})

it("a failing scenario shrinks to what it needs", async () => {
  const twice = changed((call) => Effect.retry(call, { times: 2, while: isUnknown }))
  const doubles = async (scenario: ReturnType<typeof generate>) =>
    (await run(backend, scenario, twice)).flaws.some((flaw) => flaw.startsWith("DOUBLE"))
  let failing = generate(1)
  for (const seed of seeds) {
    failing = generate(seed)
    if (await doubles(failing)) break
  }
  const small = await shrink(failing, doubles)
  expect(small.operations.length).toBeLessThanOrEqual(10)
  expect(small.faults.length).toBeLessThanOrEqual(2)
})
