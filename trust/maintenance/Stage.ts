/** A database of its own for one case, on the server of the run, and what is asked of it from outside. */
import * as DbCore from "@ems/db-core/DbCore"
import * as MaintenanceTables from "@ems/db-core/migration/MaintenanceTables"
import { databaseUrl, withClient } from "@ems/db-testing/Admin"
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import type { Cluster } from "../Cluster.ts"
import { Runner } from "./Runner.ts"

/** The indexes that a case wants, on tables that are large enough for a build to be met. */
export const definitions = [
  ["t_v", "t", "v"],
  ["t_w", "t", "w"],
  ["t_slow", "t", "(slow(w))"],
  ["u_v", "u", "v"],
  ["u_w", "u", "w"]
].map(([name, table, column]) => ({
  name,
  schema: "public",
  table,
  columns: [column],
  unique: false,
  method: "btree",
  predicate: null
}))

/** A quarter of a second for an index, in whatever time the rest is built: long enough to be seen under way. */
const slow = `create function slow(text) returns text language plpgsql immutable as $$
begin
  if hashtext($1) % 400 = 0 then perform pg_sleep(0.0025); end if;
  return lower($1);
end $$`

const setup = (rows: number) => [
  slow,
  "create table t (id int primary key, v int not null, w text not null)",
  `insert into t select n, n % 1000, md5(n::text) from generate_series(1, ${rows}) n`,
  "create table u as select * from t",
  "alter table u add primary key (id)"
]

/** How long a condition may take to come true. */
const patience = 30_000

export class Stage {
  readonly cluster: Cluster
  readonly random: () => number
  readonly quick: boolean
  private readonly database: string
  readonly runners: Array<Runner> = []

  private constructor(cluster: Cluster, database: string, random: () => number, quick: boolean) {
    this.cluster = cluster
    this.database = database
    this.random = random
    this.quick = quick
  }

  static async open(cluster: Cluster, name: string, random: () => number, quick: boolean): Promise<Stage> {
    const stage = new Stage(cluster, name.toLowerCase(), random, quick)
    await cluster.server(`create database ${stage.database}`)
    await stage.install()
    return stage
  }

  get url(): string {
    return databaseUrl(this.cluster.url, this.database)
  }

  /** The tables in which jobs are kept. */
  private install(): Promise<unknown> {
    return Effect.runPromise(
      Effect.scoped(
        Effect.provide(MaintenanceTables.install, DbCore.layerOf({}, { url: this.url }))
      )
    )
  }

  tables(): Promise<unknown> {
    return this.sql(...setup(this.quick ? 40_000 : 100_000))
  }

  /** Runs SQL as superuser, each statement for itself; gives the rows of the last. */
  sql(...statements: ReadonlyArray<string>): Promise<ReadonlyArray<Record<string, unknown>>> {
    return withClient(this.url, async (client) => {
      let rows: ReadonlyArray<Record<string, unknown>> = []
      for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows
      return rows
    })
  }

  async number(select: string): Promise<number> {
    const [row] = await this.sql(`select (${select})::float8 as n`)
    return Number(row?.["n"])
  }

  invalid(): Promise<number> {
    return this.number("select count(*) from pg_index where not (indisvalid and indisready and indislive)")
  }

  /** Of `definitions`, and usable. */
  async usable(): Promise<number> {
    const names = definitions.map(({ name }) => `'${name}'`).join()
    return this.number(
      `select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid where i.indisvalid and c.relname in (${names})`
    )
  }

  maintenance(request: object): Runner {
    return this.keep(new Runner(this.url, "maintenance", JSON.stringify(definitions), JSON.stringify(request)))
  }

  migrate(folder: string, url = this.url): Runner {
    return this.keep(new Runner(url, "migrate", folder))
  }

  private keep(runner: Runner): Runner {
    this.runners.push(runner)
    return runner
  }

  /** Runs a request until nobody else is at it: the server needs a moment to see that a killed one is gone. */
  async converge(request: object): Promise<ReadonlyArray<string>> {
    for (const until = performance.now() + patience; performance.now() < until;) {
      const { text, word } = await this.maintenance(request).ended
      if (word === "done") return []
      if (!text.includes("is running since")) return [`run again, it ${word}: ${text}`]
      await sleep(100)
    }
    return ["it is refused for ever"]
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const until = performance.now() + patience; performance.now() < until;) {
      if (await holds()) return
      await sleep(20)
    }
    throw new Error(`it never came to be: ${what}`)
  }

  async end(): Promise<void> {
    for (const runner of this.runners) await runner.kill("SIGKILL")
  }
}
