/** Many who ask at the same time for what is not in memory, counted by the server itself. */
import { withClient } from "@ems/db-testing/Admin"
import type { Part } from "../Part.ts"
import { openEms } from "./ems.ts"

const callers = 500
const repeats = 5

const callsSql = `select coalesce(sum(calls), 0)::int as calls from pg_stat_statements
  where query like '%from "users" where "users"."id" = $1'`

export const stampede = (url: string): Promise<Part> =>
  withClient(url, async (client) => {
    const calls = async (): Promise<number> => {
      const { rows } = await client.query<{ calls: number }>(callsSql)
      return rows[0]!.calls
    }
    // The first of them finds a data layer that knows neither the statement nor the change log.
    const ems = await openEms(url)
    const asked = async (kind: "bounded" | "strong" | "uncached", from: number): Promise<ReadonlyArray<number>> => {
      const counts: Array<number> = []
      for (let at = 0; at < repeats; at++) {
        const before = await calls()
        const id = BigInt(from + at)
        const found = await Promise.all(Array.from({ length: callers }, () => ems.run(ems.point[kind]({ id }))))
        if (found.some((answer) => answer[0]?.id !== id)) throw new Error("a wrong answer")
        counts.push(await calls() - before)
      }
      return counts
    }
    const bounded = await asked("bounded", 1)
    const strong = await asked("strong", 101)
    const uncached = await asked("uncached", 201)
    await ems.close()
    return {
      title:
        `stampede: ${callers} callers ask for one answer that is not in memory, ${repeats} times; queries at the server`,
      measured: [],
      seen: [
        `bounded ${bounded.join(" ")}   strong ${strong.join(" ")}   uncached ${uncached.join(" ")}`
      ],
      outcomes: [
        {
          what: "queries for a bounded answer",
          figure: String(Math.max(...bounded)),
          goal: "1",
          isMet: bounded.every((count) => count === 1) && uncached.every((count) => count === callers)
        }
      ]
    }
  })
