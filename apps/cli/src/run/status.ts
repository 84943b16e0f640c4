import { statusReport } from "@ems/db-core/maintenance/StatusReport"
import { Status } from "@ems/schema/contract/Status"
import * as Effect from "effect/Effect"
import { bytes, count, elapsed, figure, instant, percent, print } from "../Output.ts"
import { plain } from "../Table.ts"
import { answer, type SourceFlags } from "./Source.ts"

/** `18.4` of 180004. */
const versionOf = (version: number): string => `${Math.floor(version / 10_000)}.${version % 10_000}`

const lines = (now: Status): ReadonlyArray<string> => {
  const { connections, findings, longestTransaction: longest, oldestTransactionId: oldest, server } = now
  const unknown = new Map<string, string>(now.unavailableParts.map(({ part, text }) => [part, `not known: ${text}`]))
  return [
    `database: ${server.database}, Postgres ${versionOf(server.version)}${
      server.isStandby ? ", a standby" : ""
    }, up since ${instant(server.startedAt)}`,
    `size: ${now.databaseBytes === null ? unknown.get("databaseBytes") : bytes(now.databaseBytes)}`,
    `connections: ${
      connections === null
        ? unknown.get("connections")
        : `${connections.used} of ${connections.limit}, and ${connections.reserved} reserved`
    }`,
    `cache hits: ${
      now.cacheHitRatio === null ? unknown.get("cacheHitRatio") ?? "nothing was read yet" : percent(now.cacheHitRatio)
    }`,
    `longest transaction: ${
      longest === null
        ? unknown.get("longestTransaction") ?? "none is open"
        : plain(
          `${elapsed(longest.transactionMs)}, pid ${longest.pid} (${
            [longest.user, longest.application, longest.state].filter((text) => text !== null && text !== "").join(", ")
          })`
        )
    }`,
    `oldest transaction id: ${
      oldest === null
        ? unknown.get("oldestTransactionId")
        : `${figure(oldest.xidAge)} ago in ${oldest.name}, ${percent(oldest.share)} of the way to where writes stop`
    }`,
    `maintenance: ${
      now.jobs.length === 0 ?
        "none is running" :
        now.jobs.map(({ action, actor, percent }) =>
          `${action}${percent === null ? "" : `, ${Math.floor(percent)} %`}${
            actor === null ? "" : `, by ${plain(actor)}`
          }`
        ).join("; ")
    }`,
    `findings: ${count(findings.error, "error")}, ${
      count(findings.warn, "warning")
    }, ${findings.info} for information, ${count(findings.unavailable, "check")} could not look${
      findings.error + findings.warn > 0 ? "; emsdb check says more" : ""
    }`
  ]
}

interface StatusFlags extends SourceFlags {
  readonly json: boolean
}

export const runStatus = Effect.fn("emsdb.status")(function*({ json, ...source }: StatusFlags) {
  const now: Status = yield* answer(source, { contract: Status, path: "api/db/status" }, statusReport)
  yield* print(Status, now, { json, lines: lines(now) })
})
