/** Every case against every cache, each in a database of its own. */
import { startWireProxy } from "@ems/db-testing/WireProxy"
import type { Case } from "./Case.ts"
import { setup } from "./Drizzle.ts"
import { cases as all } from "./index.ts"
import { type CaseOutcome, judge, notFor, watched } from "./Judge.ts"
import { problemsOf } from "./problems.ts"
import { text } from "./queries.ts"
import { Server } from "./Server.ts"
import { Stage } from "./Stage.ts"
import type { Contestant, OpenOptions } from "./Subject.ts"
import { loadContestants } from "./subjects/index.ts"
import { table } from "./Table.ts"

/** The bound of those that have one: as short as the polls of a busy machine allow. */
const stalenessMs = 300

/** Cases that run at the same time: most of them wait for the bound to pass. */
const lanes = 3

export interface CasesOptions {
  /** Names of caches. Default all. */
  readonly subjects?: ReadonlyArray<string>
  /** Ids of cases. Default all. */
  readonly only?: ReadonlyArray<string>
  /** Shorter races. */
  readonly quick?: boolean
  /** A server to make databases on. Default one of its own. */
  readonly serverUrl?: string
  /** The `bin` directory of the Postgres to start. */
  readonly binDirectory?: string
  /** Prints the table in the end, and what was wrong with ours. Default true. */
  readonly print?: boolean
  /** Called with each outcome. */
  readonly on?: (outcome: CaseOutcome) => void
}

export interface CasesResult {
  readonly postgres: string
  readonly outcomes: ReadonlyArray<CaseOutcome>
}

const runOne = (server: Server, one: Case, contestant: Contestant, quick: boolean): Promise<CaseOutcome> =>
  judge(one, contestant, async () => {
    const adminUrl = await server.database(contestant)
    await server.prepare(adminUrl, one.setup ?? [], contestant)
    const proxy = await startWireProxy({ postgresUrl: adminUrl })
    const url = one.plainRole === true ? server.plain(proxy.url) : proxy.url
    const options: OpenOptions = { url, max: one.max ?? 4, staleness: stalenessMs }
    const open = async () => watched(await contestant.open(options))
    let stage: Stage | undefined
    try {
      stage = new Stage({ ...contestant, subject: await open(), open, adminUrl, proxy, stalenessMs, quick })
      return await one.run(stage)
    } finally {
      await proxy.heal()
      await stage?.end()
      await proxy.close()
      await server.drop(adminUrl)
    }
  })

const casesOf = ({ only }: CasesOptions) => all.filter(({ id }) => only === undefined || only.includes(id))

/** Those that count or race run alone, behind the others. */
export const runCases = async (options: CasesOptions = {}): Promise<CasesResult> => {
  const columns = await loadContestants(options.subjects)
  const outcomes: Array<CaseOutcome> = []
  const tell = (outcome: CaseOutcome) => {
    outcomes.push(outcome)
    options.on?.(outcome)
  }
  const server = await Server.start({
    ...(options.serverUrl === undefined ? {} : { url: options.serverUrl }),
    ...(options.binDirectory === undefined ? {} : { binDirectory: options.binDirectory })
  })
  try {
    const queue = columns.flatMap((contestant) => casesOf(options).map((one) => ({ contestant, one })))
    const run = async ({ contestant, one }: { readonly contestant: Contestant; readonly one: Case }) => {
      const reason = one.notFor?.(contestant)
      tell(
        reason === undefined
          ? await runOne(server, one, contestant, options.quick === true)
          : notFor(one, contestant, reason)
      )
    }
    const together = queue.filter(({ one }) => one.quiet !== true)
    const lane = async () => {
      for (let next = together.shift(); next !== undefined; next = together.shift()) await run(next)
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    for (const next of queue.filter(({ one }) => one.quiet === true)) await run(next)
    if (options.print !== false) {
      console.log(`Postgres ${server.version}\n${table(outcomes)}`)
      for (const problem of problemsOf(outcomes)) console.log(problem)
    }
    return { postgres: server.version, outcomes }
  } finally {
    await server.end()
  }
}

/** On an embedded database, which has one session: the cases that need no second. All share it, one after the other. */
export const runAlone = async (options: CasesOptions = {}): Promise<CasesResult> => {
  const outcomes: Array<CaseOutcome> = []
  for (const contestant of (await loadContestants(options.subjects)).filter(({ ours }) => ours)) {
    const url = "pglite:memory"
    const subject = watched(await contestant.open({ url, max: 1, staleness: stalenessMs }))
    try {
      for (const one of casesOf(options).filter(({ alone }) => alone === true)) {
        const reason = one.notFor?.(contestant)
        outcomes.push(
          reason !== undefined ? notFor(one, contestant, reason) : await judge(one, contestant, async () => {
            const fresh = ["drop schema public cascade", "create schema public", ...setup, ...one.setup ?? []]
            for (const statement of fresh) await subject.write(text(statement))
            await subject.install?.()
            if (contestant.adopt !== undefined) await subject.write(text(contestant.adopt))
            const stage = new Stage({
              ...contestant,
              subject,
              open: undefined,
              adminUrl: undefined,
              proxy: undefined,
              stalenessMs,
              quick: true
            })
            return one.run(stage)
          })
        )
      }
    } finally {
      await subject.close()
    }
  }
  return { postgres: "PGlite", outcomes }
}
