import { Health } from "@ems/schema/contract/Health"
import { Init } from "@ems/schema/contract/Init"
import { Seed } from "@ems/schema/contract/Seed"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

test("init, seed and health on an embedded database in a directory", { timeout: 60_000 }, async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-"))
  const url = `pglite:${path.join(directory, "data")}`
  try {
    const init = await emsdb(["init", "--json"], url)
    expect(init).toMatchObject({ code: 0, stderr: "" })
    expect(Schema.decodeUnknownSync(Init)(oneJson(init.stdout)).indexes.present).toHaveLength(17)
    const seed = await emsdb(["seed", "--json"], url)
    expect(seed).toMatchObject({ code: 0, stderr: "" })
    expect(Schema.decodeUnknownSync(Seed)(oneJson(seed.stdout))).toMatchObject({ seeded: true, rows: { users: 1000 } })
    const again = await emsdb(["seed", "--json"], url)
    expect(Schema.decodeUnknownSync(Seed)(oneJson(again.stdout)).seeded).toBe(false)
    const health = await emsdb(["health", "--json"], url)
    expect(health).toMatchObject({ code: 0, stderr: "" })
    expect(Schema.decodeUnknownSync(Health)(oneJson(health.stdout)).status).toBe("healthy")
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
})
