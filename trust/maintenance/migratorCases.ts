/** A migration that is ended anywhere, or run by many at once, leaves the database that it would have left alone. */
import { renderSchemaDump, type SchemaDumpRow, schemaDumpSql } from "@ems/db-core/catalog/schemaDump"
import { databaseUrl, withClient } from "@ems/db-testing/Admin"
import { on, startWireProxy } from "@ems/db-testing/WireProxy"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Case } from "./Case.ts"
import { Runner } from "./Runner.ts"
import type { Stage } from "./Stage.ts"

/** Every kind of statement: in a group, alone, outside of transactions. */
const migrations = [
  [
    "create type mood as enum ('sad', 'ok')",
    "create table m (id int primary key, v int, mood mood)",
    "insert into m select n, n from generate_series(1, 20000) n"
  ],
  [
    "create index concurrently m_v on m (v)",
    "alter type mood add value 'happy'",
    "update m set mood = 'happy' where id < 100",
    "alter table m add constraint m_v_positive check (v > 0) not valid",
    "alter table m validate constraint m_v_positive",
    "create unique index concurrently m_id_v on m (id, v)",
    "drop index concurrently m_v",
    "reindex table concurrently m"
  ],
  ["alter table m add column w int default 7"]
]

const withFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ems-trust-migrations-"))
  try {
    migrations.forEach((statements, at) => {
      const name = path.join(folder, `2026010100000${at}_m${at}`)
      fs.mkdirSync(name)
      fs.writeFileSync(path.join(name, "migration.sql"), statements.join("\n--> statement-breakpoint\n"))
    })
    return await use(folder)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

let databases = 0
const fresh = async ({ cluster }: Stage): Promise<string> => {
  const name = `migrated_${++databases}`
  await cluster.server(`create database ${name}`)
  return databaseUrl(cluster.url, name)
}

/** Structure and rows. */
const stateOf = (url: string): Promise<string> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<SchemaDumpRow>(schemaDumpSql)
    const { rows: [sums] } = await client.query<Record<string, unknown>>(
      "select count(*), sum(v), count(*) filter (where mood = 'happy') as happy, sum(w) as w from m"
    )
    return `${renderSchemaDump(rows)}\n${JSON.stringify(sums)}`
  })

/** What a plain client makes of the same statements. */
const expected = async (stage: Stage): Promise<string> => {
  const url = await fresh(stage)
  await withClient(url, async (client) => {
    for (const statement of migrations.flat()) await client.query(statement)
  })
  return stateOf(url)
}

const migrate = (url: string, folder: string) => new Runner(url, "migrate", folder)

/** Kills it behind its nth message; whether there was one. */
const killBehind = async (url: string, folder: string, nth: number): Promise<boolean> => {
  const proxy = await startWireProxy({ postgresUrl: url })
  const isAnswered = on.ready(/./)
  let seen = 0
  const rule = proxy.add({ match: (frame) => isAnswered(frame) && ++seen === nth, action: { do: "hold" }, times: 1 })
  const runner = migrate(proxy.url, folder)
  let hasEnded = false
  void runner.ended.then(() => {
    hasEnded = true
  })
  while (rule.fired === 0 && !hasEnded) await sleep(2)
  await runner.kill("SIGKILL")
  proxy.cutAll("reset")
  await proxy.close()
  return rule.fired > 0
}

const killedEverywhere = (stage: Stage): Promise<ReadonlyArray<string>> =>
  withFolder(async (folder) => {
    const problems: Array<string> = []
    const whole = await expected(stage)
    let met = 0
    for (let nth = 1;; nth += stage.quick ? 24 : 1) {
      const url = await fresh(stage)
      if (!await killBehind(url, folder, nth)) break
      met++
      const { text, word } = await migrate(url, folder).ended
      if (word !== "done") problems.push(`killed behind message ${nth}, run again: ${word} ${text}`)
      else if (await stateOf(url) !== whole) problems.push(`killed behind message ${nth}: it ends in another database`)
    }
    // Each statement, its BEGIN, COMMIT and notes are messages.
    return [...problems, ...met < (stage.quick ? 2 : migrations.flat().length) ? [`only ${met} kills met it`] : []]
  })

const tenAtOnce = (stage: Stage): Promise<ReadonlyArray<string>> =>
  withFolder(async (folder) => {
    const url = await fresh(stage)
    const ended = await Promise.all(
      Array.from({ length: stage.quick ? 4 : 10 }, () => migrate(url, folder).ended)
    )
    const applied = ended.filter(({ text, word }) => word === "done" && text !== "")
    return [
      ...ended.filter(({ word }) => word !== "done").map(({ text, word }) => `one ${word}: ${text}`),
      ...applied.length === 1 ? [] : [`${applied.length} of them applied something`],
      ...await stateOf(url) === await expected(stage) ? [] : ["it ends in another database"]
    ]
  })

const serverKilled = (stage: Stage): Promise<ReadonlyArray<string>> =>
  withFolder(async (folder) => {
    const whole = await expected(stage)
    const problems: Array<string> = []
    for (let round = 0; round < 5; round++) {
      const url = await fresh(stage)
      const runner = migrate(url, folder)
      await runner.begun()
      await sleep(50 + stage.random() * 300)
      await stage.cluster.stop("SIGKILL")
      await stage.cluster.startAgain()
      await runner.ended
      const { text, word } = await migrate(url, folder).ended
      if (word !== "done") problems.push(`run again, it ${word}: ${text}`)
      else if (await stateOf(url) !== whole) problems.push("it ends in another database")
    }
    return problems
  })

export const migratorCases: ReadonlyArray<Case> = [
  { id: "M1", name: "migrations killed behind each message in turn, run again", quick: true, run: killedEverywhere },
  { id: "M2", name: "ten migrators at once: exactly one applies", quick: true, run: tenAtOnce },
  { id: "M3", name: "the server is killed under a migration, run again", quick: false, run: serverKilled }
]
