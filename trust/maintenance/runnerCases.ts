/** One runner works on a database at a time, and who comes second is told who it is. */
import { withClient } from "@ems/db-testing/Admin"
import type { Case } from "./Case.ts"
import { definitions, type Stage } from "./Stage.ts"

/** Somebody's open write, for which every build has to wait. */
const whileWriting = <A>(stage: Stage, use: () => Promise<A>): Promise<A> =>
  withClient(stage.url, async (client) => {
    await client.query("begin")
    await client.query("update t set v = v where id = 1")
    try {
      return await use()
    } finally {
      await client.query("rollback")
    }
  })

const twoAtOnce = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const { first, refused, second } = await whileWriting(stage, async () => {
    const first = stage.maintenance({ action: "createIndexes", actor: "the first" })
    await first.begun()
    const second = stage.maintenance({ action: "vacuumTables" })
    return { first, second, refused: await second.ended }
  })
  const { word } = await first.ended
  const told = new RegExp(`createIndexes is running since 20\\S+Z, by the first \\(pid \\d+\\)`)
  return [
    ...refused.word === "failed" && told.test(refused.text) ? [] : [`the second was told: ${refused.text}`],
    ...word === "done" ? [] : [`the first ${word}`],
    ...second.pid === first.pid ? ["they were one process"] : []
  ]
}

const eightAtOnce = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const runners = Array.from({ length: 8 }, () => stage.maintenance({ action: "createIndexes" }))
  const ended = await Promise.all(runners.map(({ ended }) => ended))
  const others = ended.filter(({ text, word }) => word === "failed" && !text.includes("is running since"))
  const overlapping = await stage.number(
    `select count(*) from ems_internal.maintenance_job a join ems_internal.maintenance_job b
     on a.id < b.id and a.started_at < b.finished_at and b.started_at < a.finished_at`
  )
  return [
    ...ended.some(({ word }) => word === "done") ? [] : ["none of them ran"],
    ...others.map(({ text }) => `one failed otherwise: ${text}`),
    ...overlapping === 0 ? [] : [`${overlapping} pairs of jobs ran at the same time`],
    ...await stage.usable() === definitions.length ? [] : ["an index is missing"]
  ]
}

const lostRunner = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const runner = stage.maintenance({ action: "createIndexes" })
  await runner.begun()
  await runner.kill("SIGKILL")
  const problems = await stage.converge({ action: "analyzeTables" })
  const running = await stage.number("select count(*) from ems_internal.maintenance_job where status = 'running'")
  const lost = await stage.number("select count(*) from ems_internal.maintenance_job where status = 'lost'")
  return [
    ...problems,
    ...running === 0 ? [] : ["a killed job is still called running"],
    ...lost === 1 ? [] : [`${lost} jobs are called lost`]
  ]
}

export const runnerCases: ReadonlyArray<Case> = [
  { id: "R1", name: "of two at once the second is told who runs what since when", quick: true, run: twoAtOnce },
  { id: "R2", name: "of eight at once no two run together", quick: false, run: eightAtOnce },
  { id: "R3", name: "a killed runner is told apart from one that runs", quick: true, run: lostRunner }
]
