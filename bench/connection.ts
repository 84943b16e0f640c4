/** Point reads per second over TCP, 32 callers, a pool of 10 each, on one server: ours beside drizzle 0.45 + pg. */
import { withClient } from "@ems/db-testing/Admin"
import { startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { applyMigrations } from "@ems/db-testing/Migrations"
import { writeFileSync } from "node:fs"
import type { BenchOptions } from "./options.ts"
import { measure } from "./Side.ts"
import { drizzle045 } from "./sides/drizzle045.ts"
import { ems, emsPromise } from "./sides/ems.ts"

const callers = 32
const rows = 1000
const targets = { built: 3, prepared: 1.5 }

export const connection = async (options: BenchOptions): Promise<number> => {
  const server = await startPostgres()
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
    const theirs = drizzle045(server.url, rows)
    const sides = [ours.built, theirs.built, ours.prepared, theirs.prepared, await emsPromise(server.url, rows)]
    const measured = await measure(sides, { callers, ...options })
    for (const side of sides) await side.close()

    console.log(
      `point reads/s over TCP, ${callers} callers, pool of 10, Bun ${
        process.versions["bun"]
      }, medians of ${options.rounds}`
    )
    for (const { median, name, rounds, stallMs } of measured) {
      console.log(
        `  ${name.padEnd(28)} ${Math.round(median).toLocaleString("en").padStart(8)}   rounds ${
          rounds.map((figure) => Math.round(figure)).join(" ")
        }   longest stall ${Math.round(stallMs)} ms`
      )
    }
    const [built, theirBuilt, prepared, theirPrepared] = measured.map((side) => side.median) as [
      number,
      number,
      number,
      number
    ]
    const ratios = { built: built / theirBuilt, prepared: prepared / theirPrepared }
    let missed = 0
    for (const key of ["built", "prepared"] as const) {
      const isMet = ratios[key] >= targets[key]
      if (!isMet) missed++
      console.log(
        `  ${key} against ${key}: ${ratios[key].toFixed(2)}x, goal ${targets[key]}x: ${isMet ? "met" : "MISSED"}`
      )
    }
    if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ callers, measured, ratios }, null, 2))
    return missed === 0 ? 0 : 1
  } finally {
    await server.stop()
  }
}
