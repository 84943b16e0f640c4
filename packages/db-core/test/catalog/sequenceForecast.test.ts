import { describe, expect } from "vitest"
import { sequenceForecast } from "../../src/catalog/sequenceForecast.ts"
import { keep, look, lookAgo } from "./Samples.ts"
import { situation, type Stage } from "./support.ts"

const day = 86_400_000
const int4 = 2_147_483_647

const of = async ({ rows }: Pick<Stage, "rows">, sequence: string) => {
  const found = (await rows(sequenceForecast)).find((row) => row.sequence === sequence)
  if (found === undefined) throw new Error(`no sequence ${sequence}`)
  return found
}

describe("sequence forecast", () => {
  situation("the date is what is left at the rate, also downwards and by more than one", async (stage) => {
    await keep(stage)
    await stage.admin(
      "create table t (id serial primary key)",
      "create sequence down as smallint increment -10",
      "create sequence still",
      "create sequence unused",
      "select setval('t_id_seq', 1000)",
      "select setval('down', -1001)",
      "select setval('still', 5)"
    )
    await lookAgo(stage, 48)
    await stage.admin("select setval('t_id_seq', 21000)", "select setval('down', -3001)")
    await look(stage)
    const serial = await of(stage, "t_id_seq")
    expect(serial).toMatchObject({ samples: 2, unknown: null })
    expect(serial.valuesPerDay! / 10_000).toBeCloseTo(1, 3)
    expect(serial.runsOutInMs! / ((int4 - 21_000) / 10_000 * day)).toBeCloseTo(1, 3)
    expect(Date.parse(serial.runsOutAt!)).toBeCloseTo(Date.now() + serial.runsOutInMs!, -5)
    const down = await of(stage, "down")
    expect(down.valuesPerDay! / 100).toBeCloseTo(1, 3)
    expect(down.runsOutInMs! / (down.remaining / 100 * day)).toBeCloseTo(1, 3)
    expect(await of(stage, "still")).toMatchObject({ valuesPerDay: 0, runsOutInMs: null, runsOutAt: null })
    expect(await of(stage, "unused")).toMatchObject({ valuesPerDay: null, unknown: "too-few-samples", runsOutAt: null })
  })

  situation("a date after the year 9999 is none", async (stage) => {
    await keep(stage)
    await stage.admin("create sequence s", "select setval('s', 1)")
    await lookAgo(stage, 24)
    await stage.admin("select setval('s', 2)")
    await look(stage)
    const row = await of(stage, "s")
    expect(row.runsOutInMs).toBeGreaterThan(1e26)
    expect(row.runsOutAt).toBeNull()
  })

  situation("one that was set back or restarted has no rate", async (stage) => {
    await keep(stage)
    const names = ["back", "restarted", "other"]
    await stage.admin(...names.flatMap((name) => [`create sequence ${name}`, `select setval('${name}', 500)`]))
    await lookAgo(stage, 24)
    await stage.admin(
      "select setval('back', 100)",
      // Further on, and not by use.
      "alter sequence restarted restart 9000",
      "select nextval('restarted')",
      "alter sequence other increment 7",
      "select nextval('other')"
    )
    await look(stage)
    for (const name of names) {
      expect(await of(stage, name)).toMatchObject({ valuesPerDay: null, unknown: "began-anew", runsOutAt: null })
    }
  })

  situation("is a warning when the date is near, whatever is used so far", async (stage) => {
    await keep(stage)
    await stage.admin(
      "create table t (id int generated always as identity)",
      "create sequence round maxvalue 1000000 cycle",
      "select setval('t_id_seq', 1000)",
      "select setval('round', 1000)"
    )
    await lookAgo(stage, 25)
    // A hundredth of it in a day: in 99 days.
    await stage.admin(`select setval('t_id_seq', ${Math.floor(int4 / 100)})`, "select setval('round', 100000)")
    await look(stage)
    expect(await stage.findings("sequence-exhaustion")).toEqual([])
    expect(await stage.findings("sequence-exhaustion", { "sequence-exhaustion.days": 120 })).toHaveLength(1)
    // In 48 days.
    await stage.admin(`select setval('t_id_seq', ${Math.floor(int4 / 50)})`)
    await look(stage)
    const found = await stage.findings("sequence-exhaustion")
    expect(found).toMatchObject([{
      severity: "warn",
      object: { kind: "sequence", name: "public.t_id_seq" },
      cacheKey: "sequence-exhaustion:sequence:public.t_id_seq:public.t.id",
      summary: expect.stringMatching(/has used 1\.9 % up to the type of its column.* in 5\d days$/),
      evidence: { runsOutAt: expect.stringMatching(/^20\d\d-.*Z$/), valuesPerDay: expect.any(Number) },
      remediation: expect.stringContaining("bigint")
    }])
    // Hours are no rate to plan by.
    await keep(stage)
    await stage.admin("select setval('t_id_seq', 1000)")
    await lookAgo(stage, 23)
    await stage.admin(`select setval('t_id_seq', ${Math.floor(int4 / 2)})`)
    await look(stage)
    expect(await stage.findings("sequence-exhaustion")).toEqual([])
    expect(await stage.findings("sequence-exhaustion", { "sequence-exhaustion.observedDays": 0.5 })).toHaveLength(1)
  })
})
