import { Catalog } from "@ems/db-core/catalog/Catalog"
import type { ServerFacts } from "@ems/db-core/catalog/ServerFacts"
import { DbConfig } from "@ems/db-core/config/DbConfig"
import { Database } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { Bench, type BenchMeasurement } from "@ems/schema/contract/Bench"
import { sql } from "drizzle-orm"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import { tableName, transaction, withBenchTable } from "../bench/BenchTable.ts"
import { load } from "../bench/Load.ts"
import { withLongestStall } from "../bench/LongestStall.ts"
import { count, duration, figure, print } from "../Output.ts"
import { confirm } from "../Questions.ts"
import { type Screen, screen } from "../Screen.ts"
import { plain, table } from "../Table.ts"
import { withDatabase } from "./Db.ts"

interface BenchFlags {
  readonly seconds: number
  readonly clients: number
  readonly write: boolean
  readonly yes: boolean
  readonly json: boolean
}

const roundTrip = Database.use((database) => database.query((db) => db.execute(sql`select 1`)))

/** A session of its own, which is closed when what it is for is done: nothing. */
const connect = Database.use((database) => database.direct(() => Effect.void))

/** Rows that are read in turn, at most. */
const mostKeys = 1000

/** Reads a row of a table that every database has, by its primary key. */
const readByKey = Effect.gen(function*() {
  const database = yield* Database
  const { rows } = yield* database.query((db) =>
    db.execute<{ oid: string }>(sql.raw(`select oid::text as oid from pg_class order by oid limit ${mostKeys}`))
  )
  const keys = rows.map(({ oid }) => oid)
  return (client: number, nth: number) => {
    const key = keys[(client * 31 + nth) % keys.length] ?? "0"
    return database.query((db) => db.execute(sql`select relname from pg_class where oid = ${key}::text::oid`))
  }
})

interface Measure {
  readonly measure: BenchMeasurement["measure"]
  readonly clients: number
  readonly once: (client: number, nth: number) => Effect.Effect<unknown, DbError, Database>
}

/** What each measure is, for people. */
const names: Readonly<Record<BenchMeasurement["measure"], string>> = {
  "round-trip": "select 1",
  connect: "connect",
  read: "read by key",
  transaction: "transaction"
}

/** Where somebody sits and waits. */
const progress = Effect.fnUntraced(function*(json: boolean) {
  const isShown = !json && (yield* (yield* Stdio.Stdio).stderrIsTerminal)
  return (text: string) => isShown ? Console.error(text) : Effect.void
})

const measureAll = Effect.fnUntraced(function*({ clients, json, seconds, write }: BenchFlags, canConnect: boolean) {
  const say = yield* progress(json)
  const withOneAndAll = (measure: Measure["measure"], once: Measure["once"]): ReadonlyArray<Measure> =>
    [...new Set([1, clients])].map((clients) => ({ measure, clients, once }))
  const reads: ReadonlyArray<Measure> = [
    { measure: "round-trip", clients: 1, once: () => roundTrip },
    ...(canConnect ? [{ measure: "connect", clients: 1, once: () => connect } as const] : []),
    ...withOneAndAll("read", yield* readByKey)
  ]
  const writes = write ? withOneAndAll("transaction", transaction) : []
  const durationMs = seconds * 1000 / (reads.length + writes.length)
  const measured = Effect.forEach(({ clients, measure, once }: Measure) =>
    Effect.andThen(
      say(`${names[measure]}, ${count(clients, "client")}, for ${duration(durationMs)}`),
      Effect.map(load(once, { clients, durationMs }), (figures) => ({ measure, ...figures }))
    )
  )
  // Writes first: whoever may not write is told at once. The reads not beside the table's session, which is a lane of
  // its own: they would not share connections there, as they do in the product.
  const transactions = write ? yield* withBenchTable(clients, measured(writes)) : []
  return [...yield* measured(reads), ...transactions]
})

/** Why no connection can be opened for itself. */
const cannotConnect = (backend: ServerFacts["backend"], { direct }: DbConfig["Service"]) =>
  backend === "embedded"
    ? "an embedded database has one session, and nothing is opened to it"
    : direct === undefined
    ? "the URL names a pooler: set EMS_DIRECT_URL to the server behind it"
    : undefined

const notesOf = ({ clients, write }: BenchFlags, poolMax: number): ReadonlyArray<string> => [
  "Figures of one run are no comparison: run it several times, in turn with what it is compared with",
  "A closed loop from one process: neither what the server can do at most, nor latency at a rate that users set",
  ...(write && clients > poolMax
    ? [`The pool has ${count(poolMax, "connection")}: of ${clients} transactions the others wait for one`]
    : [])
]

const ask = Effect.fnUntraced(function*(flags: BenchFlags) {
  const { backend, database, version } = yield* Catalog.use(({ server }) => server)
  const config = yield* DbConfig
  const poolMax = backend === "embedded" ? 1 : config.poolMax
  const missing = cannotConnect(backend, config)
  const timestamp = DateTime.formatIso(yield* DateTime.now)
  const [measurements, longestStallMs] = yield* withLongestStall(measureAll(flags, missing === undefined))
  return {
    timestamp,
    database,
    version,
    poolMax,
    measurements,
    longestStallMs,
    unavailableParts: missing === undefined
      ? []
      : [{ part: "connect" as const, because: "backend" as const, text: missing }],
    notes: [
      ...notesOf(flags, poolMax),
      ...(backend === "pooler" && missing === undefined ? ["Connections are opened past the pooler"] : [])
    ]
  }
})

/** Three digits: a local server answers in hundredths of a millisecond. */
const ms = (value: number): string => value.toFixed(value < 100 ? 3 : 0)

const lines = (bench: Bench, width: Screen): ReadonlyArray<string> => [
  plain(`database: ${bench.database}, Postgres ${Math.floor(bench.version / 10_000)}.${bench.version % 10_000}`),
  ...table(bench.measurements, [
    { name: "measure", of: ({ measure }) => names[measure] },
    { name: "clients", of: ({ clients }) => clients, align: "right" },
    { name: "done", of: ({ transactions }) => figure(transactions), align: "right" },
    { name: "tps", of: ({ tps }) => figure(tps), align: "right" },
    { name: "average", of: ({ latencyAverageMs }) => ms(latencyAverageMs), align: "right" },
    { name: "stddev", of: ({ latencyStddevMs }) => ms(latencyStddevMs), align: "right" },
    { name: "p50", of: ({ p50Ms }) => ms(p50Ms), align: "right" },
    { name: "p95", of: ({ p95Ms }) => ms(p95Ms), align: "right" },
    { name: "p99", of: ({ p99Ms }) => ms(p99Ms), align: "right" },
    { name: "max", of: ({ maxMs }) => ms(maxMs), align: "right" }
  ], width),
  "latencies in milliseconds",
  `longest stall of this process: ${duration(bench.longestStallMs)}`,
  ...bench.unavailableParts.map(({ part, text }) => `${names[part]}: not measured, ${text}`),
  ...bench.notes
]

export const runBench = Effect.fn("emsdb.bench")(function*(flags: BenchFlags) {
  if (flags.write) {
    yield* confirm(
      `Write to ${tableName}, made for it and dropped again, with ${count(flags.clients, "client")}?`,
      flags
    )
  }
  const bench: Bench = yield* ask(flags)
  yield* print(Bench, bench, { json: flags.json, lines: lines(bench, yield* screen) })
}, withDatabase)
