/** drizzle-orm 1.0-rc on its own driver for Effect, over a bare @effect/sql-pg that pipelines. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { relations, users } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import * as PgDrizzle from "drizzle-orm/effect-postgres"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import type { Side } from "../Side.ts"
import { effectLoop, type Point } from "./effectLoop.ts"

export const drizzleEffect = async (url: string, rows: number): Promise<{ built: Side; prepared: Side }> => {
  const runtime = ManagedRuntime.make(
    PgClient.layer({ url: Redacted.make(url), maxConnections: 10, multiplex: true })
  )
  const db = await runtime.runPromise(PgDrizzle.makeWithDefaults({ relations }))
  const prepared = db.select().from(users).where(eq(users.id, sql.placeholder("id"))).prepare("point")
  let next = 0
  const id = () => BigInt(1 + next++ % rows)
  const loop = (once: () => Point) => (callers: number, until: number) =>
    runtime.runPromise(effectLoop(once, callers, until))
  const close = () => runtime.dispose()
  return {
    built: {
      name: "drizzle rc + sql-pg built",
      run: loop(() => db.select().from(users).where(eq(users.id, id()))),
      close
    },
    prepared: {
      name: "drizzle rc + sql-pg prepared",
      run: loop(() => prepared.execute({ id: id() })),
      close
    }
  }
}
