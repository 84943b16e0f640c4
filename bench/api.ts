/**
 * What the API does in a second with what it has in memory, beside routes that answer a constant: behind the same hooks,
 * and behind none. One thread of `wrk` asks (a Debian package), so that the server is what limits it; on two cores it
 * has one for itself.
 */
import * as Access from "@ems/access/Access"
import { MachineTokens } from "@ems/access/MachineTokens"
import * as DbCore from "@ems/db-core/DbCore"
import { startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { relations } from "@ems/schema"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { BenchOptions } from "./options.ts"
import { among, atLeast, print } from "./Part.ts"
import { type Measured, median } from "./Side.ts"

const root = path.dirname(import.meta.dirname)
const bun = path.join(root, "node_modules", ".bin", "bun")

const connections = 32

const unlimited = Object.fromEntries(
  ["ADDRESS", "PRINCIPAL", "FAILURES", "LOGINS", "ACCOUNT"].map((kind) => [`EMS_RATE_LIMIT_${kind}`, "10000000"])
)

const run = (url: string, ...args: ReadonlyArray<string>): void => {
  const { status, stderr, stdout } = spawnSync(bun, ["--no-env-file", ...args], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", DATABASE_URL: url },
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`${args.join(" ")}: ${stdout}${stderr}`)
}

const tokenOf = (url: string): Promise<string> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.provide(
        Effect.map(MachineTokens.use(({ create }) => create({ name: "bench", role: "viewer" })), ({ token }) => token),
        Access.layerOf({ warnOfRandomSecret: false }).pipe(
          Layer.provide(DbCore.layerOf(relations, { url, cacheFeed: "none" }))
        )
      )
    )
  )

interface Server {
  readonly child: ChildProcess
  readonly app: string
  readonly bare: string
}

const start = (url: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const child = spawn(bun, ["--no-env-file", "apps/api/test/fixtures/constants.ts"], {
      cwd: root,
      env: {
        PATH: process.env["PATH"] ?? "",
        NODE_ENV: "production",
        DATABASE_URL: url,
        PORT: "0",
        EMS_AUTH_SECRET: "of a benchmark, and of no use to anybody",
        ...unlimited
      },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let text = ""
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString()
      const [, app, bare] = /listening on (\S+) and (\S+)/.exec(text) ?? []
      if (app !== undefined && bare !== undefined) resolve({ child, app, bare })
    })
    child.once("close", (code) => reject(new Error(`the server ended with ${code}: ${text}`)))
  })

/** Requests a second; throws when one was not answered with 200. */
const wrk = (url: string, token: string | undefined, seconds: number): number => {
  const header = token === undefined ? [] : ["-H", `authorization: Bearer ${token}`]
  const { stdout } = spawnSync("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, ...header, url], {
    encoding: "utf8"
  })
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? []
  if (rate === undefined || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk ${url}: ${stdout}`)
  return Number(rate)
}

export const api = async ({ json, rounds, seconds }: BenchOptions): Promise<number> => {
  const directory = mkdtempSync(path.join(tmpdir(), "ems-bench-"))
  const postgres = await startPostgres({ dataDir: path.join(directory, "pg"), durable: false })
  let server: Server | undefined
  try {
    run(postgres.url, "apps/cli/src/main.ts", "init", "--seed", "--json")
    const token = await tokenOf(postgres.url)
    server = await start(postgres.url)
    const { app, bare } = server
    const listed = await fetch(`${app}/api/events?limit=1`, { headers: { authorization: `Bearer ${token}` } })
    const { items: [event] } = await listed.json() as { items: ReadonlyArray<{ id: string }> }
    const sides = [
      { name: "bare constant", url: `${bare}/constant`, token },
      { name: "constant", url: `${app}/constant`, token: undefined },
      { name: "constant, guarded", url: `${app}/constant/guarded`, token },
      { name: "GET /api/db/health", url: `${app}/api/db/health`, token: undefined },
      { name: "GET /api/db/health, viewer", url: `${app}/api/db/health`, token },
      { name: "GET /api/events/:id, cached", url: `${app}/api/events/${event?.id}`, token }
    ]
    const figures = sides.map(() => [] as Array<number>)
    for (const side of sides) wrk(side.url, side.token, 2)
    for (let round = 0; round < rounds; round++) {
      for (const [at, side] of sides.entries()) {
        figures[at]?.push(wrk(side.url, side.token, seconds))
        await sleep(50)
      }
    }
    const measured: ReadonlyArray<Measured> = sides.map(({ name }, at) => ({
      name,
      median: median(figures[at] ?? []),
      rounds: figures[at] ?? []
    }))
    const of = among(measured)
    const event_ = "GET /api/events/:id, cached"
    const part = {
      title: `api: requests a second, ${connections} connections, one process on Bun`,
      measured,
      seen: [],
      outcomes: [
        atLeast("health, of a constant behind the same hooks", of("GET /api/db/health", "constant"), 0.6),
        atLeast("health with a token, of the same", of("GET /api/db/health, viewer", "constant, guarded"), 0.6),
        atLeast("a cached event, of the same", of(event_, "constant, guarded"), 0.6),
        atLeast("health, of a bare constant", of("GET /api/db/health", "bare constant"), 0.3),
        atLeast("a cached event, of a bare constant", of(event_, "bare constant"), 0.3)
      ]
    }
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(part, undefined, 2)}\n`)
    return print(part) === 0 ? 0 : 1
  } finally {
    server?.child.kill("SIGKILL")
    await postgres.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
