import { rowsOf, unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { cacheHitRatios } from "@ems/db-core/catalog/cacheHitRatios"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { checkReport } from "@ems/db-core/catalog/CheckReport"
import { connectionLimits } from "@ems/db-core/catalog/connections"
import { longTransactions } from "@ems/db-core/catalog/longTransactions"
import { databaseSize } from "@ems/db-core/catalog/sizes"
import { transactionIdHeadroom } from "@ems/db-core/catalog/transactionIdHeadroom"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import { Status } from "@ems/schema/contract/Status"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { bytes, count, elapsed, figure, instant, percent, print } from "../Output.ts"
import { plain } from "../Table.ts"
import { withDatabase } from "./Db.ts"

const status = Effect.gen(function*() {
  const { read, server } = yield* Catalog
  const { database, isStandby, startedAt, version } = yield* server
  const parts = {
    databaseBytes: yield* read(databaseSize),
    cacheHitRatio: yield* read(cacheHitRatios),
    connections: yield* read(connectionLimits),
    longestTransaction: yield* read(longTransactions),
    oldestTransactionId: yield* read(transactionIdHeadroom)
  }
  const limits = rowsOf(parts.connections).find(({ kind }) => kind === "server")
  const oldest = rowsOf(parts.oldestTransactionId)[0]
  const jobs = yield* Maintenance.use(({ summaries }) => summaries())
  return {
    timestamp: DateTime.formatIso(yield* DateTime.now),
    server: { database, version, isStandby, startedAt },
    databaseBytes: rowsOf(parts.databaseBytes)[0]?.bytes ?? null,
    cacheHitRatio: rowsOf(parts.cacheHitRatio).find(({ kind }) => kind === "database")?.ratio ?? null,
    connections: limits === undefined ? null : limits,
    longestTransaction: rowsOf(parts.longestTransaction)[0] ?? null,
    oldestTransactionId: oldest === undefined ? null : {
      kind: oldest.kind,
      name: oldest.schema === null ? oldest.name : `${oldest.schema}.${oldest.name}`,
      xidAge: oldest.xidAge,
      share: Math.max(oldest.xidShare, oldest.multixactShare)
    },
    jobs: jobs.filter(({ status }) => status === "running").map(({ action, actor, id, progress, startedAt }) => ({
      id,
      action,
      actor,
      startedAt,
      percent: progress?.percent ?? null
    })),
    findings: (yield* checkReport()).summary,
    unavailableParts: unavailableParts(parts)
  } satisfies Status
})

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

export const runStatus = Effect.fn("emsdb.status")(function*({ json }: { readonly json: boolean }) {
  const now: Status = yield* status
  yield* print(Status, now, { json, lines: lines(now) })
}, withDatabase)
