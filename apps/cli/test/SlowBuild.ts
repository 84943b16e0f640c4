/** Builds of indexes that go on until they are let go: at their last wait, when the index is there and INVALID. */
import type { TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { setTimeout as sleep } from "node:timers/promises"
import { onTestFinished } from "vitest"

type Database = Pick<TestDatabase, "admin" | "name" | "url">

/** Each CREATE INDEX CONCURRENTLY sleeps before it begins: time to take a snapshot that it will have to wait for. */
export const slowDown = async ({ admin }: Database) => {
  await admin(`create or replace function pause() returns event_trigger language plpgsql as $$
    begin
      if current_query() ilike 'create index concurrently%' then perform pg_sleep(1.5); end if;
    end $$`)
  await admin(`create event trigger pause on ddl_command_start when tag in ('CREATE INDEX') execute function pause()`)
}

export const until = async (what: string, holds: () => Promise<boolean>) => {
  for (const began = Date.now(); Date.now() - began < 15_000;) {
    if (await holds()) return
    await sleep(20)
  }
  throw new Error(`it never came to be: ${what}`)
}

const isHeld = "from pg_stat_progress_create_index where phase = 'waiting for old snapshots' and datname = $1"

/** Waits for `builds` builds to have begun, and holds them at their end until `release`. */
export const hold = async ({ admin, name, url }: Database, builds = 1) => {
  await until("a build", async () =>
    (await admin(
      "select from pg_stat_activity where datname = $1 and state = 'active' and query like 'create index concurrently%'",
      [name]
    )).length === builds)
  const client = await connect(url)
  // The server may be ended meanwhile.
  client.on("error", () => {})
  await client.query("begin isolation level repeatable read")
  const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
  await until(
    "a build that waits for old snapshots",
    async () => (await admin(`select ${isHeld}`, [name])).length === builds
  )
  let released: Promise<void> | undefined
  const release = () => released ??= client.end()
  // Whatever becomes of the test.
  onTestFinished(release)
  return { pid: row?.pid ?? 0, release }
}

export const invalid = async ({ admin }: Database): Promise<ReadonlyArray<unknown>> =>
  (await admin("select indexrelid::regclass::text as name from pg_index where not (indisvalid and indisready)"))
    .map(({ name }) => name)

export const building = async ({ admin, name }: Database): Promise<ReadonlyArray<unknown>> =>
  await admin(
    "select pid, query from pg_stat_activity where datname = $1 and state = 'active' and query ilike 'create index%'",
    [name]
  )
