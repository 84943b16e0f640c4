/** A database, an application on it, and answers that are held against their contracts. */
import { Database } from "@ems/db-core/connection/Database"
import { connect, createTestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import type { AppOptions } from "../../src/app.ts"
import type { Services } from "../../src/Services.ts"
import { get, makeApp } from "../support.ts"

export interface Stage {
  readonly url: string
  /** Runs SQL as superuser, each statement for itself, outside of transactions. */
  readonly admin: (...statements: ReadonlyArray<string>) => Promise<void>
  readonly run: <A, E>(effect: Effect.Effect<A, E, Services>) => Promise<A>
  readonly response: (path: string) => Promise<Response>
  /** The answer to a path, as its contract has it and with nothing else in it. */
  readonly ask: <S extends Schema.Codec<unknown, unknown>>(path: string, contract: S) => Promise<S["Type"]>
}

/** An application on `url`; closes what it opened. */
export const onUrl = async (url: string, body: (stage: Stage) => Promise<void>, options: AppOptions = {}) => {
  const { app, context, dispose } = await makeApp(url, options)
  const run: Stage["run"] = (effect) => Effect.runPromiseWith(context)(effect)
  const response = async (path: string) => app.handle(get(path))
  try {
    await body({
      url,
      run,
      response,
      admin: async (...statements) => {
        for (const statement of statements) {
          await run(Database.use((database) => database.direct((db) => db.execute(sql.raw(statement)))))
        }
      },
      ask: async (path, contract) => {
        const answered = await response(path)
        const text = await answered.text()
        expect([answered.status, text]).toEqual([200, expect.any(String)])
        return Schema.decodeUnknownSync(contract, { onExcessProperty: "error" })(JSON.parse(text))
      }
    })
  } finally {
    await dispose()
  }
}

/** The same on an empty database of its own. */
export const onDatabase = async (
  body: (stage: Stage) => Promise<void>,
  options: AppOptions & { readonly template?: boolean } = {}
) => {
  const { template = false, ...rest } = options
  const database = await createTestDatabase({ template })
  try {
    await onUrl(database.url, (stage) =>
      body({
        ...stage,
        admin: async (...statements) => {
          for (const statement of statements) await database.admin(statement)
        }
      }), rest)
  } finally {
    await database.close()
  }
}

export interface Session {
  readonly pid: number
  readonly run: (statement: string) => Promise<void>
  /** Sends it and does not wait for its end; resolves when it waits for a lock. */
  readonly waits: (statement: string) => Promise<void>
}

/** Lends two sessions beside the application's, and ends them. */
export const withSessions = async (
  { url }: Pick<Stage, "url">,
  body: (first: Session, second: Session) => Promise<void>
) => {
  const oracle = await connect(url)
  const clients = await Promise.all([connect(url), connect(url)])
  const pids: Array<number> = []
  const sessionOf = async (client: (typeof clients)[number]): Promise<Session> => {
    const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
    const pid = row?.pid ?? 0
    pids.push(pid)
    return {
      pid,
      run: async (statement) => void (await client.query(statement)),
      waits: async (statement) => {
        // Ended by force below: how it ends is nobody's.
        client.query(statement).catch(() => undefined)
        for (let tries = 0; tries < 500; tries++) {
          // Noted when the wait has begun to count.
          const { rows } = await oracle.query(
            "select from pg_locks where pid = $1 and not granted and waitstart is not null",
            [
              pid
            ]
          )
          if (rows.length > 0) return
          await sleep(10)
        }
        throw new Error(`it does not wait: ${statement}`)
      }
    }
  }
  try {
    await body(await sessionOf(clients[0]), await sessionOf(clients[1]))
  } finally {
    await oracle.query("select pg_terminate_backend(pid) from unnest($1::int[]) pid", [pids])
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
    await oracle.end()
  }
}
