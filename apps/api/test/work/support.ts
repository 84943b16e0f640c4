/** An application on a database with all tables of the product, another client of it, and jobs that last. */
import * as AccessTables from "@ems/access/AccessTables"
import { MachineTokens } from "@ems/access/MachineTokens"
import * as IdempotencyTables from "@ems/db-core/migration/IdempotencyTables"
import * as MaintenanceTables from "@ems/db-core/migration/MaintenanceTables"
import { createTestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { MaintenanceAccepted } from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { expect } from "vitest"
import { get, makeApp } from "../support.ts"

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export interface Answerer {
  readonly handle: (request: Request) => Response | Promise<Response>
}

export const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

export const bench = async ({ idempotency = true }: { readonly idempotency?: boolean } = {}) => {
  const database = await createTestDatabase()
  const first = await makeApp(database.url)
  const run = Effect.runPromiseWith(first.context)
  await run(AccessTables.install)
  await run(MaintenanceTables.install)
  if (idempotency) await run(IdempotencyTables.install)
  const others: Array<() => Promise<void>> = [first.dispose]
  const client = async (url = database.url) => {
    const opened = await connect(url)
    others.push(() => opened.end())
    return opened
  }
  return {
    ...first,
    database,
    admin: database.admin,
    run,
    client,
    /** Another application on the same database, where everybody has to say who they are; and how to say it. */
    guarded: async (role: "viewer" | "operator" | "admin") => {
      const { token } = await run(
        MachineTokens.use(({ create }) => create({ name: `${role}${others.length}`, role }))
      )
      const second = await makeApp(database.url, { auth: "on" })
      others.push(second.dispose)
      return {
        ...second,
        headers: { authorization: `Bearer ${token}` }
      }
    },
    second: async () => {
      const second = await makeApp(database.url)
      others.push(second.dispose)
      return second
    },
    /** No maintenance of the table gets on until it is called. */
    holdUp: async (table = "users") => {
      const other = await client()
      await other.query("begin")
      await other.query(`lock table ${table} in share update exclusive mode`)
      return async () => {
        await other.query("rollback")
      }
    },
    close: async () => {
      for (const close of others.toReversed()) await close()
      await database.close()
    }
  }
}

export type Bench = Awaited<ReturnType<typeof bench>>

const decodeAccepted = Schema.decodeUnknownSync(MaintenanceAccepted, { onExcessProperty: "error" })

/** The job that was accepted. */
export const acceptedOf = async (response: Response) => {
  const text = await response.text()
  expect([response.status, text]).toEqual([202, expect.stringContaining(`"job"`)])
  const accepted = decodeAccepted(JSON.parse(text))
  expect(response.headers.get("location")).toBe(accepted.links.self)
  return accepted
}

/** Until `condition` holds, for at most `ms`. */
export const eventually = async (condition: () => Promise<boolean>, ms = 10_000): Promise<void> => {
  for (const end = performance.now() + ms; performance.now() < end;) {
    if (await condition()) return
    await sleep(25)
  }
  expect.fail(`it did not come about within ${ms} ms`)
}
