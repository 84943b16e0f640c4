/** Access on a database of its own, with an oracle beside it, and a clock that can be moved. */
import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { relations } from "@ems/schema"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { onTestFinished } from "vitest"
import * as Access from "../src/Access.ts"
import { AccessError, type AccessReason } from "../src/AccessError.ts"
import * as AccessTables from "../src/AccessTables.ts"
import { Accounts } from "../src/Accounts.ts"
import { Audit } from "../src/Audit.ts"
import { Authentication } from "../src/Authentication.ts"
import { Bootstrap } from "../src/Bootstrap.ts"
import { MachineTokens } from "../src/MachineTokens.ts"
import type { Principal } from "../src/Principal.ts"
import { scopesOf } from "../src/Role.ts"
import { Sessions } from "../src/Sessions.ts"

/** In every password and secret: it must be in no message and no log line. */
export const canary = "CANARY-7f3a"

export const secret = Redacted.make(`${canary}-signs-access-tokens-in-tests`)

export const password = (text = `${canary} correct horse`) => Redacted.make(text)

type Services = Access.Access | DbCore.DbCore

/** A process: a data layer and access of its own. */
export const processOn = async (
  url: string,
  options: Access.Options = {},
  data: { readonly [key: string]: number | string } = {}
) => {
  const lines: Array<string> = []
  let offset = 0
  const real = await Effect.runPromise(Clock.Clock)
  const clock: Clock.Clock = Object.assign(Object.create(real) as Clock.Clock, {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + offset
  })
  const logging = Layer.mergeAll(
    Logger.layer([Logger.map(Logger.formatJson, (line) => {
      lines.push(line)
    })]),
    Layer.succeed(References.MinimumLogLevel, "Debug")
  )
  const access = Layer.provide(Access.layerOf({ secret, ...options }), Layer.succeed(Clock.Clock, clock))
  const runtime = ManagedRuntime.make(
    access.pipe(
      Layer.provideMerge(DbCore.layerOf(relations, { cacheFeed: "none", poolMax: 5, ...data, url })),
      Layer.provideMerge(logging)
    )
  )
  const run = <A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> => runtime.runPromise(effect)
  return {
    run,
    /** What it failed with. */
    reason: (effect: Effect.Effect<unknown, unknown, Services>): Promise<AccessReason> =>
      run(Effect.flip(effect)).then((error) => {
        if (error instanceof AccessError) return error.reason
        throw new Error("it was not refused by access", { cause: error })
      }),
    lines,
    /** Moves the clock of access, not that of the data layer. */
    later: (ms: number) => {
      offset += ms
    },
    accounts: await run(Accounts),
    audit: await run(Audit),
    authentication: await run(Authentication),
    bootstrap: await run(Bootstrap),
    database: await run(Database),
    sessions: await run(Sessions),
    tokens: await run(MachineTokens),
    dispose: () => runtime.dispose()
  }
}

export type Process = Awaited<ReturnType<typeof processOn>>

export interface Bench extends Process {
  readonly oracle: TestDatabase
  /** Another process on the same database. */
  readonly another: (options?: Access.Options) => Promise<Process>
}

/** Closed when the test, or the file that called it from `beforeAll`, has ended. */
export const bench = async (
  options: Access.Options & { readonly install?: boolean; readonly template?: boolean } = {}
): Promise<Bench & { readonly close: () => Promise<void> }> => {
  const { install = true, template = true, ...given } = options
  const oracle = await createTestDatabase({ template })
  const first = await processOn(oracle.url, given)
  if (install) await first.run(AccessTables.install)
  const others: Array<Process> = []
  return {
    ...first,
    oracle,
    another: async (more = {}) => {
      const other = await processOn(oracle.url, { ...given, ...more })
      others.push(other)
      return other
    },
    close: async () => {
      for (const { dispose } of [first, ...others]) await dispose()
      await oracle.close()
    }
  }
}

/** For the length of one test. */
export const benchOfTest = async (options?: Parameters<typeof bench>[0]) => {
  const made = await bench(options)
  onTestFinished(made.close)
  return made
}

export const principal = (role: Principal["role"] = "admin"): Principal => ({
  kind: "user",
  id: "user:1",
  name: "somebody@example.org",
  role,
  scopes: scopesOf(role)
})

let people = 0
/** An e-mail that nobody has. */
export const somebody = () => `somebody${people++}@example.org`
