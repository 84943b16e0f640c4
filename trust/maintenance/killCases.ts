/** Whatever ends a run early, the next one makes good, and nothing is left that only costs. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Case } from "./Case.ts"
import type { Runner } from "./Runner.ts"
import { definitions, type Stage } from "./Stage.ts"

const create = { action: "createIndexes", parallel: 2 }

/** All of the catalog usable, none of any name invalid. */
const whole = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  const [invalid, usable] = [await stage.invalid(), await stage.usable()]
  return [
    ...invalid === 0 ? [] : [`${invalid} invalid indexes are left`],
    ...usable === definitions.length ? [] : [`${usable} of ${definitions.length} indexes are usable`]
  ]
}

const dropAll = (stage: Stage) => stage.sql(...definitions.map(({ name }) => `drop index if exists ${name}`))

const rounds = ({ quick }: Stage): number => quick ? 2 : 10

type End = (runner: Runner) => Promise<unknown>

/** Ends a run of `create`: in the first round when a build is seen, later at any moment of `within` ms. */
const createUntil = async (stage: Stage, round: number, within: number, end: End): Promise<Runner> => {
  await dropAll(stage)
  const runner = stage.maintenance(create)
  await runner.begun()
  if (round > 0) await sleep(stage.random() * within)
  else await stage.until("an index under way", async () => await stage.invalid() > 0)
  await end(runner)
  return runner
}

/** A harness that kills nobody at work proves nothing. */
const met = (times: number): ReadonlyArray<string> => times > 0 ? [] : ["no kill met a build under way"]

const killedCreating = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const problems: Array<string> = []
  let unfinished = 0
  for (let round = 0; round < rounds(stage); round++) {
    await createUntil(stage, round, 500, (runner) => runner.kill("SIGKILL"))
    if (await stage.usable() < definitions.length) unfinished++
    problems.push(...await stage.converge(create), ...await whole(stage))
  }
  return [...problems, ...met(unfinished)]
}

/** Told to stop in order, it leaves nothing behind it, and needs no second run. */
const stoppedCreating = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const problems: Array<string> = []
  for (let round = 0; round < rounds(stage); round++) {
    await createUntil(stage, round, 500, (runner) => runner.kill("SIGTERM"))
    const invalid = await stage.invalid()
    if (invalid > 0) problems.push(`${invalid} invalid indexes are left`)
  }
  return [...problems, ...await stage.converge(create), ...await whole(stage)]
}

const backendsEnded = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const problems: Array<string> = []
  let failed = 0
  for (let round = 0; round < rounds(stage); round++) {
    const runner = await createUntil(stage, round, 300, ({ pid }) =>
      stage.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'runner ${pid}%'`
      ))
    if ((await runner.ended).word === "failed") failed++
    problems.push(...await stage.converge(create), ...await whole(stage))
  }
  return [...problems, ...met(failed)]
}

const serverCrashed = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const runner = stage.maintenance(create)
  await runner.begun()
  await sleep(100)
  await stage.cluster.stop("SIGKILL")
  const { word } = await runner.ended
  await stage.cluster.startAgain()
  return [
    ...word === "failed" ? [] : [`it said ${word} although the server was killed`],
    ...await stage.converge(create),
    ...await whole(stage)
  ]
}

const killedRebuilding = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const problems = [...await stage.converge(create)]
  for (let round = 0; round < rounds(stage); round++) {
    const runner = stage.maintenance({ action: "reindex", indexes: definitions.map(({ name }) => name) })
    await runner.begun()
    await sleep(stage.random() * 500)
    await runner.kill("SIGKILL")
    // What is due includes what rebuilds left.
    problems.push(...await stage.converge({ action: "maintenance" }), ...await whole(stage))
  }
  return problems
}

const killedWriting = async (stage: Stage): Promise<ReadonlyArray<string>> => {
  await stage.tables()
  const before = await stage.number("select count(*) + sum(v) from t")
  const request = { action: "optimizeStorage", tables: ["t"], full: true }
  for (let round = 0; round < rounds(stage); round++) {
    const runner = stage.maintenance(request)
    await runner.begun()
    await sleep(stage.random() * 200)
    await runner.kill("SIGKILL")
  }
  const problems = await stage.converge(request)
  const after = await stage.number("select count(*) + sum(v) from t")
  return [...problems, ...before === after ? [] : ["rows were lost"]]
}

export const killCases: ReadonlyArray<Case> = [
  { id: "K1", name: "createIndexes killed at any moment, run again", quick: true, run: killedCreating },
  { id: "K2", name: "createIndexes told to stop: nothing is left", quick: false, run: stoppedCreating },
  { id: "K3", name: "its server processes are ended, run again", quick: true, run: backendsEnded },
  { id: "K4", name: "the server is killed while indexes are built, run again", quick: false, run: serverCrashed },
  {
    id: "K5",
    name: "reindex killed: its twins are gone after the next maintenance",
    quick: false,
    run: killedRebuilding
  },
  { id: "K6", name: "VACUUM FULL killed: every row is there", quick: false, run: killedWriting }
]
