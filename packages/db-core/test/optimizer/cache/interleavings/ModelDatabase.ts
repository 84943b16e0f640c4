/**
 * What the cache relies on in Postgres, and nothing else: transactions with ids, snapshots that see whole transactions,
 * and a change log whose rows appear together with what they tell of. One table, whose content is the list of the
 * transactions that wrote to it: an answer says by itself what it has seen.
 */
import type { ChangePoll } from "../../../../src/catalog/changePoll.ts"
import type { Snapshot } from "../../../../src/optimizer/cache/Snapshot.ts"

/** Who writes. `writer` is in the cache's own process, `outsider` is anybody else. */
export type Author = "writer" | "outsider"

/** The table that everybody writes to and reads. */
export const tableOid = 16_400

interface Change {
  readonly xid: bigint
  readonly author: Author
}

export class ModelDatabase {
  private nextXid = 700n
  private lastEnded = 699n
  private readonly running = new Map<bigint, Author>()
  private readonly committed: Array<Change> = []
  private log: Array<Change> = []
  private epoch: number | undefined = 1
  private epochs = 1

  /** A transaction gets its id, and writes. */
  begin(author: Author): bigint {
    const xid = this.nextXid++
    this.running.set(xid, author)
    this.log.push({ xid, author })
    return xid
  }

  /** From now on snapshots see it. */
  commit(xid: bigint): void {
    this.committed.push({ xid, author: this.end(xid) })
  }

  rollback(xid: bigint): void {
    this.end(xid)
  }

  private end(xid: bigint): Author {
    const author = this.running.get(xid)
    if (author === undefined) throw new Error(`transaction ${xid} is not running`)
    this.running.delete(xid)
    if (xid > this.lastEnded) this.lastEnded = xid
    return author
  }

  /** The table's rows in a snapshot taken now; a transaction sees its own as well. */
  read(within?: bigint): ReadonlyArray<Author> {
    const authors = this.committed.map(({ author }) => author)
    const own = within === undefined ? undefined : this.running.get(within)
    return (own === undefined ? authors : [...authors, own]).toSorted()
  }

  /** The server's memory of unlogged tables is gone. */
  loseLog(): void {
    this.log = []
    this.epoch = undefined
  }

  beginEpoch(): void {
    this.epoch ??= ++this.epochs
  }

  /** As Postgres counts: ids from `xmax` on have not ended, of those below it the list says which. */
  private snapshot(): string {
    const xmax = this.lastEnded + 1n
    const running = [...this.running.keys()].filter((xid) => xid < xmax)
    return `${running[0] ?? xmax}:${xmax}:${running.join(",")}`
  }

  /** What `changePoll` would answer. */
  poll(since: Snapshot | undefined, guarded: boolean): ChangePoll {
    const seen = new Set(this.committed.map(({ xid }) => xid))
    const isNew = ({ xid }: Change): boolean =>
      since !== undefined && seen.has(xid) && (xid >= since.xmax || since.running.includes(String(xid)))
    return {
      snapshot: this.snapshot(),
      epoch: this.epoch === undefined ? null : String(this.epoch),
      tick: 1n,
      oldestTick: 1n,
      changed: this.log.some(isNew) ? String(tableOid) : null,
      standby: false,
      ...(guarded ? { definitions: "as ever", lineage: "the only one" } : {})
    }
  }
}
