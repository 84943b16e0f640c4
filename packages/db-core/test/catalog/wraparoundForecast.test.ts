import { describe, expect } from "vitest"
import { stopAt } from "../../src/catalog/transactionIdHeadroom.ts"
import { wraparoundForecast } from "../../src/catalog/wraparoundForecast.ts"
import { keep, look, lookAgo, table } from "./Samples.ts"
import { situation, type Stage } from "./support.ts"

const day = 86_400_000

/** Of this table, or of its TOAST table. */
const of = async ({ rows }: Pick<Stage, "rows">, name = "t") => {
  const found = (await rows(wraparoundForecast)).find((row) => row.kind === "table" && row.name === name)
  if (found === undefined) throw new Error(`no table ${name}`)
  return found
}

const first = (kind: string) => `kind = '${kind}' and at = (select min(at) from ${table})`

describe("wraparound forecast", () => {
  situation("is what is left at the rate of the ids that goes first", async (stage) => {
    await keep(stage)
    // The oldest of all, so that it is among those that are listed.
    await stage.admin(
      "create table t (id int)",
      "update pg_class set relfrozenxid = mod((pg_current_xact_id()::text)::numeric + 4294967296 - 1000000000, "
        + "4294967296)::text::xid where oid = 't'::regclass"
    )
    try {
      expect(await of(stage)).toMatchObject({ xidsPerDay: null, stopsAt: null, unknown: "too-few-samples" })
      await lookAgo(stage, 48)
      await look(stage)
      await stage.admin(`update ${table} set value = value - 10000000 where ${first("xid")}`)
      const row = await of(stage)
      expect(row).toMatchObject({ samples: 2, unknown: null, multixactsPerDay: 0 })
      expect(row.xidsPerDay! / 5_000_000).toBeCloseTo(1, 3)
      expect(row.stopsInMs! / ((stopAt - row.xidAge) / 5_000_000 * day)).toBeCloseTo(1, 3)
      expect(Date.parse(row.stopsAt!)).toBeCloseTo(Date.now() + row.stopsInMs!, -5)
      await stage.admin(`update ${table} set value = value - 2e9 where ${first("multixact")}`)
      const multi = await of(stage)
      expect(multi.stopsInMs! / ((stopAt - multi.multixactAge) / 1e9 * day)).toBeCloseTo(1, 3)
    } finally {
      await stage.admin("drop table t")
    }
  })

  situation("is unknown when there were more ids before: it was another server's", async (stage) => {
    await keep(stage)
    await lookAgo(stage, 24)
    await look(stage)
    await stage.admin(`update ${table} set value = value + 1e9 where at = (select min(at) from ${table})`)
    const [row] = await stage.rows(wraparoundForecast)
    expect(row).toMatchObject({ xidsPerDay: null, multixactsPerDay: null, stopsAt: null, unknown: "began-anew" })
  })
})
