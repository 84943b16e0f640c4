/** Sessions of the server as an API tells of them, and what it does to them. */
import { Activity } from "@ems/schema/contract/Activity"
import { SessionSignalled } from "@ems/schema/contract/SessionSignal"
import * as Effect from "effect/Effect"
import type { Api } from "./Api.ts"

/** Of a page, and of pages that are looked through: more sessions than any server takes. */
const limit = 200
const mostPages = 500

/** The session with that process id; nothing when there is none. */
export const find = ({ ask }: Api, pid: number) =>
  Effect.gen(function*() {
    for (let page = 0; page < mostPages; page++) {
      const { items, total, unavailable } = yield* ask(Activity, {
        path: "api/db/activity",
        query: { limit, offset: page * limit, sort: "pid" }
      })
      const found = items.find((session) => session.pid === pid)
      if (unavailable !== null || found !== undefined) return { unavailable, session: found }
      if ((page + 1) * limit >= total) break
    }
    return { unavailable: null, session: undefined }
  })

export const signal = (
  { ask }: Api,
  { action, backendStart, pid, reason }: {
    readonly action: "cancel" | "terminate"
    readonly pid: number
    readonly backendStart?: string | undefined
    readonly reason: string
  }
) =>
  ask(SessionSignalled, {
    method: "POST",
    path: `api/db/activity/${pid}/${action}`,
    body: {
      reason,
      ...(backendStart === undefined ? {} : { backendStart }),
      ...(action === "terminate" ? { confirm: pid } : {})
    }
  })
