/** The state of the database in one look: what an operator asks first. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { rowsOf, unavailableParts } from "../catalog/AnswerParts.ts"
import { cacheHitRatios } from "../catalog/cacheHitRatios.ts"
import { Catalog } from "../catalog/Catalog.ts"
import { checkReport } from "../catalog/CheckReport.ts"
import { connectionLimits } from "../catalog/connections.ts"
import { longTransactions } from "../catalog/longTransactions.ts"
import { databaseSize } from "../catalog/sizes.ts"
import { transactionIdHeadroom } from "../catalog/transactionIdHeadroom.ts"
import { Maintenance } from "./Maintenance.ts"

/** Runs every check, for their count. What could not be looked at is null, and says why. */
export const statusReport = Effect.gen(function*() {
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
  }
})
