import { expect, onTestFinished, test } from "vitest"
import { emsdb, type Ended } from "./Emsdb.ts"
import { ownServer } from "./OwnServer.ts"
import { hold, slowDown, until } from "./SlowBuild.ts"

/** Of the progress lines before it one says why it ended. */
const lastLine = ({ stderr }: Ended): string => {
  const said = stderr.trimEnd().split("\n").filter((line) => line.startsWith("emsdb: "))
  expect(said, stderr).toHaveLength(1)
  return said[0] ?? ""
}

test.each([["killed", "SIGQUIT"], ["stopped", "SIGINT"]] as const)(
  "a server that is %s while an index is built and a sample written: exit code 3 and one line for each",
  { timeout: 120_000 },
  async (_, signal) => {
    const database = await ownServer()
    onTestFinished(database.close)
    const { admin, pid, url } = database
    expect((await emsdb(["init"], url)).code).toBe(0)
    await slowDown(database)
    await admin("drop index idx_events_date")
    const building = emsdb(["indexes", "create"], url)
    await hold(database)
    // It waits for the build, which has locked its table.
    const seeding = emsdb(["seed"], url)
    await until(
      "a seed that waits",
      async () => (await admin("select from pg_locks where not granted and relation = 'events'::regclass")).length > 0
    )
    process.kill(pid, signal)
    const [built, seeded] = await Promise.all([building, seeding])
    for (const ended of [built, seeded]) {
      expect(ended).toMatchObject({ code: 3, stdout: "" })
      expect(lastLine(ended)).toMatch(/^emsdb: [^\n]*ConnectionLost[^\n]*$/)
    }
  }
)
