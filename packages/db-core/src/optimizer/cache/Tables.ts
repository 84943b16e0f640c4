/**
 * How often each table was written, as far as this process knows, and which of its own writes are under way. A cached
 * answer is as good as the sum of its tables' generations.
 */

/** One table. */
export class Table {
  readonly oid: number
  /** Writes known of. Only grows. */
  generation = 0
  /** Writes of this process between being sent and being counted: meanwhile an answer may be old or new. */
  inFlight = 0
  /** The last write of this process, as counted in `Tables.writes`. */
  written = 0

  constructor(oid: number) {
    this.oid = oid
  }
}

/** The tables that a write may change; `all` when that is not known. */
export type WriteSet = "all" | ReadonlyArray<Table>

/** Of more tags all are forgotten, and every answer with them: who makes a tag for each user has many. */
const maxTags = 10_000

export class Tables {
  private readonly byOid = new Map<number, Table>()
  private readonly byTag = new Map<string, Table>()
  /** Counted for every table. */
  generation = 0
  inFlight = 0
  /** Writes of this process that were answered. */
  writes = 0
  /** The last of them that may have changed any table. */
  written = 0
  /** Hears what was invalidated by hand: a table or a tag, or everything. */
  invalidated: (target: Table | Tables) => void = () => {}

  of(oid: number): Table {
    let table = this.byOid.get(oid)
    if (table === undefined) {
      table = new Table(oid)
      this.byOid.set(oid, table)
    }
    return table
  }

  /** Tags are tables that nobody writes but those who invalidate them. */
  tagged(tag: string): Table {
    let table = this.byTag.get(tag)
    if (table === undefined) {
      if (this.byTag.size >= maxTags) {
        this.byTag.clear()
        this.invalidate(this)
      }
      table = new Table(-1)
      this.byTag.set(tag, table)
    }
    return table
  }

  /** Somebody wrote. */
  changed(oid: number): void {
    if (oid === 0) this.generation++
    else {
      // Of a table that nobody asked for there is nothing to count.
      const table = this.byOid.get(oid)
      if (table !== undefined) table.generation++
    }
  }

  /** Answers with it are old, whatever the database says. */
  invalidate(target: Table | Tables): void {
    target.generation++
    this.invalidated(target)
  }

  /** Grows exactly when one of them changes: the counters only grow. */
  token(tables: ReadonlyArray<Table>): number {
    let sum = this.generation
    for (const table of tables) sum += table.generation
    return sum
  }

  /** Whether the generations still sum up to `token`, and no write of this process to the tables is under way. */
  isCurrent(tables: ReadonlyArray<Table>, tags: ReadonlyArray<Table>, token: number): boolean {
    if (this.inFlight > 0) return false
    let sum = this.generation
    for (const table of tables) {
      if (table.inFlight > 0) return false
      sum += table.generation
    }
    for (const tag of tags) sum += tag.generation
    return sum === token
  }

  /** Whether a write of this process to one of them is under way. */
  isFenced(tables: ReadonlyArray<Table>): boolean {
    if (this.inFlight > 0) return true
    for (const table of tables) if (table.inFlight > 0) return true
    return false
  }

  /**
   * A write of ours is about to be sent. What is returned is called when it was answered, before the caller hears of
   * it: a read that begins after the answer then finds no older answer to be good.
   */
  fence(written: WriteSet): () => void {
    if (written === "all") {
      this.inFlight++
      return () => {
        this.written = ++this.writes
        this.generation++
        this.inFlight--
      }
    }
    for (const table of written) table.inFlight++
    return () => {
      const number = ++this.writes
      for (const table of written) {
        table.written = number
        table.generation++
        table.inFlight--
      }
    }
  }
}
