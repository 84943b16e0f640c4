import * as DbCore from "@ems/db-core/DbCore"
import { DbError, type Fate } from "@ems/db-core/errors/DbError"
import type { ReasonTag } from "@ems/db-core/errors/SqlState"
import { indexCatalog, relations } from "@ems/schema"
import { Problem } from "@ems/schema/contract/Problem"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as net from "node:net"
import { expect } from "vitest"
import { type AppOptions, createApp } from "../src/app.ts"
import { open } from "../src/http/Access.ts"
import type { LimitSettings } from "../src/limits/RateLimits.ts"
import * as Runtime from "../src/Runtime.ts"
import * as Services from "../src/Services.ts"

/** In every place that must not leave: passwords, messages, rows. */
export const canary = "CANARY-7f3a"

/** Nothing listens on port 1. */
export const deadUrl = `postgres://user:${canary}@127.0.0.1:1/ems`

export interface Line {
  readonly level: string
  readonly text: string
}

/** No limits. */
export const unlimited: LimitSettings = { address: 0, principal: 0, failure: 0, login: 0, account: 0 }

/** `detail` of a route that a test adds. */
export const forTests = open({ summary: "A test's own", tags: ["test"] })

/** Signs access tokens in tests. */
export const authSecret = `${canary}-0123456789abcdef0123456789abcdef`

/** An application on `url`, and what it logs. Everybody may do everything unless `auth` is on. */
export const makeApp = async (
  url: string,
  { inFlight = { max: 1000, timeout: 10_000 }, limits = unlimited, ...options }:
    & AppOptions
    & Partial<Services.ServicesOptions> = {}
) => {
  const lines: Array<Line> = []
  const logger = Logger.map(Logger.formatJson, (text) => {
    lines.push({ level: (JSON.parse(text) as { level: string }).level, text })
  })
  const logging = Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Debug"))
  const managed = ManagedRuntime.make(
    Services.layerNoDeps({ inFlight, limits }).pipe(
      Layer.provideMerge(DbCore.layerOf(relations, { url }, { indexes: indexCatalog })),
      Layer.provideMerge(logging),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ EMS_AUTH_SECRET: authSecret })))
    )
  )
  const context = await managed.context()
  return {
    app: createApp(context, { auth: "off", ...options }),
    context,
    runtime: Runtime.make(context),
    lines,
    dispose: () => managed.dispose()
  }
}

export const get = (path: string, init?: RequestInit) => new Request(`http://localhost${path}`, init)

const decodeProblem = Schema.decodeUnknownSync(Problem)

/** The problem in `response`, checked for all that every problem has. */
export const problemOf = async (response: Response) => {
  expect(response.headers.get("content-type")).toBe("application/problem+json")
  expect(response.headers.get("x-content-type-options")).toBe("nosniff")
  const text = await response.text()
  expect(text).not.toContain(canary)
  const problem = decodeProblem(JSON.parse(text))
  expect(problem.status).toBe(response.status)
  expect(problem.requestId).toBe(response.headers.get("x-request-id"))
  return problem
}

/** With the canary wherever a `DbError` has room for text. */
export const dbError = (tag: ReasonTag, fate: Fate): DbError =>
  DbError.of(tag, fate, canary, {
    message: canary,
    sqlState: "99999",
    constraint: canary,
    schema: canary,
    table: canary,
    column: canary,
    dataType: canary
  })

/** Accepts connections and never says a word. */
export const blackHole = () =>
  new Promise<{ readonly url: string; readonly close: () => Promise<void> }>((resolve) => {
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined).resume()
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      resolve({
        url: `postgres://user:${canary}@127.0.0.1:${port}/ems?sslmode=disable`,
        close: () =>
          new Promise((done) => {
            for (const socket of sockets) socket.destroy()
            server.close(() => done())
          })
      })
    })
  })

/** Until `condition` holds, for at most 5 s. */
export const until = async (condition: () => boolean): Promise<void> => {
  for (let left = 500; left > 0 && !condition(); left--) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}
