/**
 * Cached answers, bounded by number and by bytes.
 */
import { LRUCache } from "lru-cache"
import type { Found } from "../../driver/Statements.ts"
import type { Front } from "./Front.ts"
import type { Table } from "./Tables.ts"

export interface Entry {
  /** As the driver gave them. */
  readonly found: Found
  /** Whose answer it is. */
  readonly usage: object
  /** Sum of the generations of its tables when its query began. */
  readonly token: number
  /** Tags of the call that filled it, part of the sum. */
  readonly tags: ReadonlyArray<Table>
  /** About, with what was made of the rows. Counted when it is put in. */
  bytes: number
  /** Nobody can change the rows. */
  isFrozen: boolean
  readonly hasBinary: boolean
  readonly hasObjects: boolean
  /** When its query began. Milliseconds since the epoch. */
  readonly filledAt: number
  /** What the query took. Milliseconds. */
  readonly tookMs: number
  /** What a prepared query made of the rows, and which one; frozen as well. */
  mappedBy: object | undefined
  mapped: unknown
  /** Its place in the map. */
  key: string
  /** Where else it is kept, and by which parameter. */
  front: Front | undefined
  param: unknown
  /** How many answers had been put in when it was last moved to the front of the queue. */
  touchedAt: number
}

export interface Bounds {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxEntryBytes: number
}

/** What the map itself takes for an entry, about. */
const overhead = 200

export class Entries {
  private lru: LRUCache<string, Entry>
  private limits: Bounds
  private puts = 0
  tooLarge = 0

  constructor(bounds: Bounds) {
    this.limits = bounds
    this.lru = Entries.make(bounds)
  }

  private static make({ maxBytes, maxEntries }: Bounds) {
    return new LRUCache<string, Entry>({
      max: maxEntries,
      maxSize: maxBytes,
      dispose: (entry) => entry.front?.drop(entry)
    })
  }

  get bounds(): Bounds {
    return this.limits
  }

  get count(): number {
    return this.lru.size
  }

  get bytes(): number {
    return this.lru.calculatedSize
  }

  get(key: string): Entry | undefined {
    return this.lru.get(key)
  }

  /** It was used. Only puts throw something out, so that between two of them once is enough. */
  touch(entry: Entry): void {
    if (entry.touchedAt === this.puts) return
    entry.touchedAt = this.puts
    this.lru.get(entry.key)
  }

  set(key: string, entry: Entry): void {
    this.puts++
    entry.key = key
    const size = entry.bytes + key.length * 2 + overhead
    if (size > this.limits.maxEntryBytes) {
      this.tooLarge++
      this.lru.delete(key)
    } else this.lru.set(key, entry, { size })
  }

  /** Bytes of the answers of each text. */
  bytesOf(): ReadonlyMap<object, number> {
    const found = new Map<object, number>()
    for (const { bytes, usage } of this.lru.values()) found.set(usage, (found.get(usage) ?? 0) + bytes)
    return found
  }

  clear(): void {
    this.lru.clear()
  }

  /** Other bounds; the entries used last stay as far as they fit. */
  resize(bounds: Bounds): void {
    const before = this.lru
    this.limits = bounds
    this.lru = Entries.make(bounds)
    const kept = before.dump()
    // Fronts let go of all of them: one that fits nowhere any more would stay there.
    before.clear()
    for (const [key, { size, value }] of kept) this.lru.set(key, value, { size: size ?? 1 })
  }
}
