import { Database } from "@ems/db-core/connection/Database"
import * as DbCore from "@ems/db-core/DbCore"
import { openDatabase } from "@ems/db-core/promise"
import { relations, users } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Side } from "../Side.ts"

/** `Database.query` with a query built for each call, and with one prepared once. */
export const ems = async (url: string, rows: number): Promise<{ built: Side; prepared: Side }> => {
  const runtime = ManagedRuntime.make(
    DbCore.layerOf(relations, { url })
  )
  const db = await runtime.runPromise(Database.with(relations))
  const prepared = await runtime.runPromise(
    db.query((d) => Effect.succeed(d.select().from(users).where(eq(users.id, sql.placeholder("id"))).prepare("point")))
  )
  let next = 0
  const id = () => BigInt(1 + next++ % rows)
  const loop =
    (once: () => Effect.Effect<{ readonly length: number }, unknown>) => (callers: number, until: number) => {
      let done = 0
      const caller = Effect.whileLoop({
        while: () => performance.now() < until,
        body: once,
        step: (found) => {
          if (found.length !== 1) throw new Error("a row is missing")
          done++
        }
      })
      return runtime.runPromise(
        Effect.as(
          Effect.all(Array.from({ length: callers }, () => caller), { concurrency: "unbounded", discard: true }),
          0
        )
      ).then(() => done)
    }
  const close = () => runtime.dispose()
  return {
    built: {
      name: "ems built",
      run: loop(() => db.query((d) => d.select().from(users).where(eq(users.id, id())))),
      close
    },
    prepared: {
      name: "ems prepared",
      run: loop(() => db.query(() => prepared.execute({ id: id() }))),
      close
    }
  }
}

/** The promise API, for callers without Effect. */
export const emsPromise = async (url: string, rows: number): Promise<Side> => {
  const { close, db } = await openDatabase({ relations, url })
  let next = 0
  return {
    name: "ems promise API, built",
    run: async (callers, until) => {
      let done = 0
      await Promise.all(Array.from({ length: callers }, async () => {
        while (performance.now() < until) {
          const found = await db.select().from(users).where(eq(users.id, BigInt(1 + next++ % rows)))
          if (found.length !== 1) throw new Error("a row is missing")
          done++
        }
      }))
      return done
    },
    close
  }
}
