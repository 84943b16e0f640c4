/**
 * Which transactions changed which tables, as far back as this process can tell: what an answer from the second level
 * is held against. The feed tells each change once, after a poll; the log itself tells those of the minute before the
 * first poll. Bounded: of a table that changes more than is kept here older answers are refused.
 */
import type { ChangePoll } from "../../../catalog/changePoll.ts"
import { parse, sees, type Snapshot } from "../Snapshot.ts"
import { Table, type Tables } from "../Tables.ts"
import { covers, type Proof, type Rejection } from "./Proof.ts"

/** What the log itself tells, of all that it still holds. */
export interface LogHistory {
  readonly snapshot: string
  readonly epoch: string | null
  /** Every change that is not seen by it is still in the log; `null`: all of this epoch. */
  readonly since: string | null
  /** As in `changePollDetailed`. */
  readonly changed: string | null
}

/** What one question to the log told of a table: all of it is seen by `by`. */
interface Batch {
  readonly by: Snapshot
  readonly xids: ReadonlyArray<bigint>
}

interface Changes {
  /** Changes that are not listed any more are seen by it. */
  floor: Snapshot | undefined
  /** The latest first. */
  batches: ReadonlyArray<Batch>
}

/** Questions to the log whose answers are kept for a table. */
const maxBatches = 16

/** What is true when a poll is sent. */
export interface Mark {
  readonly writes: number
  readonly invalidated: ReadonlyArray<Table | Tables>
}

/** `oid:xid+xid`, or `oid:` when there were too many to tell. */
const partsOf = (text: string | null): ReadonlyArray<readonly [oid: number, xids: ReadonlyArray<bigint>]> =>
  text === null ? [] : text.split(",").map((part) => {
    const [oid = "", xids = ""] = part.split(":")
    return [Number(oid), xids === "" ? [] : xids.split("+").map(BigInt)] as const
  })

export class History {
  private readonly tables: Tables
  private changes = new Map<number, Changes>()
  /** Answers from before it cannot be judged. */
  private horizon: Snapshot | undefined
  private current: Snapshot | undefined
  private epoch = ""
  private definitions = ""
  private lineage: string | undefined
  private isBroken = true
  /** Own writes up to this one are seen by the last poll. */
  private settled = 0
  private readonly awaiting = new Set<Table | Tables>()
  /** Of the first poll after a table or tag was invalidated. */
  private readonly floors = new WeakMap<Table, Snapshot>()
  /** The same for every table. */
  private floor: Snapshot | undefined
  /** Of a query that is sent now. */
  proof: Proof | undefined
  /** Grows when it begins anew. */
  version = 0

  constructor(tables: Tables) {
    this.tables = tables
    tables.invalidated = (target) => void this.awaiting.add(target)
  }

  /** What was told before says nothing any more. */
  broke(): void {
    this.isBroken = true
  }

  /** A poll is about to be sent. */
  asked(): Mark {
    return { writes: this.tables.writes, invalidated: [...this.awaiting] }
  }

  /** It was answered, and the first level knows of it. */
  told({ changed, definitions, epoch, lineage, snapshot }: ChangePoll, mark: Mark): void {
    const seen = this.current = parse(snapshot)
    if (definitions !== undefined) this.definitions = definitions ?? ""
    if (lineage !== undefined) this.lineage = lineage
    this.epoch = epoch ?? ""
    if (this.isBroken) {
      this.isBroken = false
      this.changes = new Map()
      this.horizon = seen
      this.version++
    } else for (const [oid, xids] of partsOf(changed)) this.note(oid, xids, seen)
    this.settled = mark.writes
    for (const target of mark.invalidated) {
      this.awaiting.delete(target)
      if (target instanceof Table) this.floors.set(target, seen)
      else this.floor = seen
    }
    this.proof = this.lineage === undefined
      ? undefined
      : { world: `${this.epoch}/${this.lineage}/${this.definitions}`, snapshot }
  }

  private note(oid: number, xids: ReadonlyArray<bigint>, by: Snapshot): void {
    const known = this.changes.get(oid)
    if (xids.length === 0) return void this.changes.set(oid, { floor: by, batches: [] })
    if (known === undefined) return void this.changes.set(oid, { floor: undefined, batches: [{ by, xids }] })
    known.floor = known.batches[maxBatches - 1]?.by ?? known.floor
    known.batches = [{ by, xids }, ...known.batches.slice(0, maxBatches - 1)]
  }

  /** Goes further back with what the log itself told, if it was asked when it was already followed from `version`. */
  extend({ changed, epoch, since, snapshot }: LogHistory, version: number): void {
    if (version !== this.version || this.isBroken || epoch !== this.epoch) return
    const by = parse(snapshot)
    for (const [oid, xids] of partsOf(changed)) {
      const known = this.changes.get(oid) ?? { floor: undefined, batches: [] }
      if (xids.length === 0) known.floor ??= by
      else known.batches = [...known.batches, { by, xids }]
      this.changes.set(oid, known)
    }
    // The log was never swept: it goes back to the beginning of its epoch, and so do the answers of it.
    this.horizon = since === null ? undefined : parse(since)
  }

  /** Whether the last poll saw every own write to them, and whatever was invalidated. */
  isSettled(tables: ReadonlyArray<Table>, tags: ReadonlyArray<Table>): boolean {
    if (this.tables.written > this.settled) return false
    for (const table of tables) if (table.written > this.settled) return false
    if (this.awaiting.size === 0) return true
    return !this.awaiting.has(this.tables) && ![...tables, ...tags].some((table) => this.awaiting.has(table))
  }

  /** Why an answer may lack something that this process knows of; `undefined` when it cannot. */
  judge({ snapshot, world }: Proof, tables: ReadonlyArray<Table>, tags: ReadonlyArray<Table>): Rejection | undefined {
    const { current, horizon, proof } = this
    if (this.isBroken || proof === undefined || current === undefined || world !== proof.world) return "world"
    const seen = parse(snapshot)
    if (this.isFromBefore(seen, this.floor)) return "invalidated"
    for (const table of [...tables, ...tags]) if (this.isFromBefore(seen, this.floors.get(table))) return "invalidated"
    if (covers(seen, current)) return undefined
    if (horizon !== undefined && !covers(seen, horizon)) return "horizon"
    // Relation 0 stands for every table: definitions changed.
    if (this.lacks(seen, 0) || tables.some(({ oid }) => this.lacks(seen, oid))) return "changed"
    return undefined
  }

  /**
   * Whether it may be from before `floor` was taken: no log tells what is invalidated by hand, so that only something
   * seen which `floor` does not see shows that it is from after it.
   */
  private isFromBefore(seen: Snapshot, floor: Snapshot | undefined): boolean {
    return floor !== undefined && covers(floor, seen)
  }

  private lacks(seen: Snapshot, oid: number): boolean {
    const known = this.changes.get(oid)
    if (known === undefined) return false
    for (const { by, xids } of known.batches) {
      // Whatever was told up to then, too.
      if (covers(seen, by)) return false
      if (xids.some((xid) => !sees(seen, xid))) return true
    }
    return known.floor !== undefined && !covers(seen, known.floor)
  }
}
