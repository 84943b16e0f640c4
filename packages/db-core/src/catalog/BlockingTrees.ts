/**
 * The forest of who waits for whom: a tree below each session that itself waits for nobody.
 *
 * Postgres names everybody a session waits for, those in front of it in the queue too: of twenty that want the same
 * row the last waits for nineteen. Here each stands below the nearest ones only, those that none of its other blockers
 * waits for; so a queue is a line, and not as many paths as there are subsets of it.
 */

/** A session that waits for a lock, or that others wait for. */
export interface Blocking {
  /** Of the session's process; a leader's for its parallel workers; 0 for prepared transactions. */
  readonly pid: number
  /** For whom it waits, all of them. Empty for who only blocks. */
  readonly blockedBy: ReadonlyArray<number>
  /** Names of the prepared transactions among those. */
  readonly blockedByPrepared: ReadonlyArray<string>
  readonly backendType: string | null
  readonly database: string | null
  readonly user: string | null
  readonly application: string | null
  readonly state: string | null
  /** The lock it waits for: `ShareLock`, `RowExclusiveLock`, …; null for who waits for none. */
  readonly lockMode: string | null
  /** `relation`, `transactionid` for a row, `advisory`, … */
  readonly lockType: string | null
  /** The table or index, as `schema.name`, also when it waits for one of its rows. Null where it has none. */
  readonly lockObject: string | null
  /** Null for a moment after it began to wait. */
  readonly waitedMs: number | null
  readonly transactionMs: number | null
  readonly stateMs: number | null
  readonly query: string | null
}

export interface BlockingTree {
  readonly session: Blocking
  /** Who waits for it directly, longest first. Empty when `isRepeated`. */
  readonly children: ReadonlyArray<BlockingTree>
  /** Who waits for it directly or not, each counted once. */
  readonly victims: number
  /** It waits for several, and stands with what is below it under an earlier one. */
  readonly isRepeated: boolean
}

export interface BlockingForest {
  /** Those with the most victims first. */
  readonly roots: ReadonlyArray<BlockingTree>
  /**
   * Deadlocks that Postgres has not found yet: process ids in the order in which each waits for the next, the first
   * being the smallest. Whoever waits behind one is in no tree.
   */
  readonly cycles: ReadonlyArray<ReadonlyArray<number>>
}

type Sessions = ReadonlyMap<number, Blocking>

/** Everybody from `pid` on along `next`, without itself unless it is in a cycle. */
const reach = (pid: number, next: (pid: number) => ReadonlyArray<number>): ReadonlySet<number> => {
  const seen = new Set<number>()
  const open = [...next(pid)]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    open.push(...next(at))
  }
  return seen
}

/** The shortest way from `pid` back to itself. */
const cycleThrough = (pid: number, blockers: (pid: number) => ReadonlyArray<number>): ReadonlyArray<number> => {
  const paths: Array<ReadonlyArray<number>> = [[pid]]
  const seen = new Set<number>()
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    for (const next of blockers(path.at(-1)!)) {
      if (next === pid) return path
      if (seen.has(next)) continue
      seen.add(next)
      paths.push([...path, next])
    }
  }
  return [pid]
}

export const forestOf = (rows: ReadonlyArray<Blocking>): BlockingForest => {
  const sessions: Sessions = new Map(rows.map((row) => [row.pid, row]))
  // Who ended between two looks is not waited for any more.
  const blockers = (pid: number) => (sessions.get(pid)?.blockedBy ?? []).filter((b) => sessions.has(b))
  const above = new Map(rows.map(({ pid }) => [pid, reach(pid, blockers)]))
  const nearest = (pid: number) =>
    blockers(pid).filter((b) => !blockers(pid).some((other) => other !== b && above.get(other)!.has(b)))
  const waiters = new Map<number, Array<number>>()
  const everybody = new Map<number, Array<number>>()
  for (const { pid } of rows) {
    for (const b of nearest(pid)) waiters.set(b, [...waiters.get(b) ?? [], pid])
    for (const b of above.get(pid)!) everybody.set(b, [...everybody.get(b) ?? [], pid])
  }
  const waited = (pid: number) => sessions.get(pid)!.waitedMs ?? 0
  const victims = (pid: number) => everybody.get(pid)?.length ?? 0

  const drawn = new Set<number>()
  const draw = (pid: number): BlockingTree => {
    const isRepeated = drawn.has(pid)
    drawn.add(pid)
    const below = isRepeated ? [] : waiters.get(pid) ?? []
    return {
      session: sessions.get(pid)!,
      children: below.toSorted((a, b) => waited(b) - waited(a) || a - b).map(draw),
      victims: victims(pid),
      isRepeated
    }
  }

  const found = new Set<number>()
  const cycles: Array<ReadonlyArray<number>> = []
  for (const pid of [...sessions.keys()].toSorted((a, b) => a - b)) {
    if (found.has(pid) || !above.get(pid)!.has(pid)) continue
    const cycle = cycleThrough(pid, blockers)
    cycles.push(cycle)
    for (const member of cycle) found.add(member)
  }
  return {
    roots: [...sessions.keys()]
      .filter((pid) => blockers(pid).length === 0 && victims(pid) > 0)
      .toSorted((a, b) => victims(b) - victims(a) || a - b)
      .map(draw),
    cycles
  }
}
