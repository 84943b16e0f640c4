/**
 * What happened between two samples, a second. Counters since the start are no rates: without a sample before, and
 * across a restart, a failover or a reset of the statistics, nobody knows, and null says so.
 */
import { noRates, type Top } from "@ems/schema/contract/Top"

type Counted = Pick<Top, "counters"> & { readonly server: Pick<Top["server"], "database" | "startedAt"> }

/** The log grows across a reset of the statistics; a smaller end of it is another server's. */
const grew = (before: number | null, now: number | null): number | null =>
  before === null || now === null || now < before ? null : now - before

const total = (...parts: ReadonlyArray<number | null>): number | null =>
  parts.reduce((sum, part) => sum === null || part === null ? null : sum + part, 0)

export const ratesOf = ({ counters: now, server }: Counted, before: Counted | undefined): Top["rates"] => {
  if (before?.server.startedAt !== server.startedAt || before.server.database !== server.database) return noRates
  const { counters: then } = before
  // The server's clock may have been set back.
  const overMs = now.atMs - then.atMs
  if (overMs <= 0) return noRates
  const aSecond = (change: number | null) => change === null ? null : change * 1000 / overMs
  const walBytes = aSecond(grew(then.walBytes, now.walBytes))
  // They may have grown beyond what they were before they began anew.
  if (then.since !== now.since) return { ...noRates, overMs, walBytes }
  const rollbacks = grew(then.rollbacks, now.rollbacks)
  const hits = grew(then.blocksHit, now.blocksHit)
  const blocks = total(hits, grew(then.blocksRead, now.blocksRead))
  return {
    overMs,
    transactions: aSecond(total(grew(then.commits, now.commits), rollbacks)),
    rollbacks: aSecond(rollbacks),
    rowsRead: aSecond(grew(then.rowsRead, now.rowsRead)),
    rowsWritten: aSecond(total(
      grew(then.rowsInserted, now.rowsInserted),
      grew(then.rowsUpdated, now.rowsUpdated),
      grew(then.rowsDeleted, now.rowsDeleted)
    )),
    cacheHitRatio: hits === null || blocks === null || blocks === 0 ? null : hits / blocks,
    temporaryBytes: aSecond(grew(then.temporaryBytes, now.temporaryBytes)),
    walBytes
  }
}
