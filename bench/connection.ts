/**
 * Point reads per second over TCP, 32 callers, a pool of 10 each, on one server: ours beside drizzle 0.45 + pg, and
 * beside drizzle 1.0-rc on a bare sql-pg, which is our own wire client without what we do for each call.
 */
import { withClient } from "@ems/db-testing/Admin"
import { startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { applyMigrations } from "@ems/db-testing/Migrations"
import { writeFileSync } from "node:fs"
import type { BenchOptions } from "./options.ts"
import { measure, type Measured, ratioOf } from "./Side.ts"
import { startCollector } from "./sides/Collector.ts"
import { drizzle045 } from "./sides/drizzle045.ts"
import { drizzleEffect } from "./sides/drizzleEffect.ts"
import { ems, emsPromise, emsTraced } from "./sides/ems.ts"

const callers = 32
const rows = 1000

/** What is measured, and how many times its peer it has to be. */
const goals = {
  built: { ours: "ems built", theirs: "drizzle 0.45 + pg built", goal: 3 },
  prepared: { ours: "ems prepared", theirs: "drizzle 0.45 + pg prepared", goal: 1.5 },
  fullPathBuilt: { ours: "ems built", theirs: "drizzle rc + sql-pg built", goal: 0.85 },
  fullPathPrepared: { ours: "ems prepared", theirs: "drizzle rc + sql-pg prepared", goal: 0.85 },
  otlpBuilt: { ours: "ems OTLP built", theirs: "drizzle rc + sql-pg built", goal: 0.7 },
  otlpPrepared: { ours: "ems OTLP prepared", theirs: "drizzle rc + sql-pg prepared", goal: 0.7 }
} as const

const print = ({ median, name, rounds, stallMs }: Measured): void => {
  console.log(
    `  ${name.padEnd(28)} ${Math.round(median).toLocaleString("en").padStart(8)}   rounds ${
      rounds.map((figure) => Math.round(figure)).join(" ")
    }   longest stall ${Math.round(stallMs ?? 0)} ms`
  )
}

export const connection = async (options: BenchOptions): Promise<number> => {
  const server = await startPostgres()
  const collector = await startCollector()
  try {
    await withClient(server.url, async (client) => {
      await applyMigrations(client)
      await client.query(
        "insert into users (email, name) select 'u' || n || '@x.io', 'User ' || n from generate_series(1, $1) n",
        [rows]
      )
      await client.query("vacuum analyze users")
    })
    const ours = await ems(server.url, rows)
    const oursTraced = await emsTraced(server.url, rows, collector)
    const bare = await drizzleEffect(server.url, rows)
    const older = drizzle045(server.url, rows)
    const sides = [
      ours.built,
      bare.built,
      oursTraced.built,
      older.built,
      ours.prepared,
      bare.prepared,
      oursTraced.prepared,
      older.prepared,
      await emsPromise(server.url, rows)
    ]
    const measured = await measure(sides, { callers, ...options })
    for (const side of sides) await side.close()

    console.log(
      `point reads/s over TCP, ${callers} callers, pool of 10, Bun ${
        process.versions["bun"]
      }, medians of ${options.rounds}`
    )
    for (const side of measured) print(side)
    const sideOf = (name: string): Measured => measured.find((side) => side.name === name)!
    const ratios: Record<string, number> = {}
    let missed = 0
    for (const [key, { goal, ours, theirs }] of Object.entries(goals)) {
      const ratio = ratios[key] = ratioOf(sideOf(ours), sideOf(theirs))
      const isMet = ratio >= goal
      if (!isMet) missed++
      console.log(`  ${ours} against ${theirs}: ${ratio.toFixed(2)}x, goal ${goal}x: ${isMet ? "met" : "MISSED"}`)
    }
    if (options.json !== undefined) {
      writeFileSync(options.json, JSON.stringify({ callers, measured, goals, ratios }, null, 2))
    }
    return missed === 0 ? 0 : 1
  } finally {
    collector.close()
    await server.stop()
  }
}
