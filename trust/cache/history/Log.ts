/**
 * What a process did, as numbers in a file: reads come by the hundred thousand. What was written is there for the
 * judge also when the process has been killed since.
 */
import * as fs from "node:fs"
import { queryNames } from "./Layout.ts"

/** A read that was answered. Times in milliseconds of the machine's monotonic clock. */
export interface Read {
  readonly is: "read"
  readonly process: number
  /** Index in `queryNames`. */
  readonly query: number
  readonly row: number
  readonly invoked: number
  readonly completed: number
  readonly isStrong: boolean
  /** It asked for the transaction that made this version of its first value; -1 when it asked for none. */
  readonly after: number
  readonly first: number
  /** NaN where the query has one value. */
  readonly second: number
}

/** A write that may have been committed. */
export interface Write {
  readonly is: "write"
  readonly process: number
  readonly key: number
  readonly version: number
  /** A moment before COMMIT, or the statement, was sent. */
  readonly sent: number
  /** The moment after the acknowledgement had come; `Infinity` when none came. */
  readonly acked: number
}

export type Event = Read | Write

const width = 10
const kept = 256

export class LogWriter {
  private readonly file: number
  private readonly process: number
  private readonly records = new Float64Array(width * kept)
  private used = 0

  constructor(path: string, process: number) {
    this.file = fs.openSync(path, "a")
    this.process = process
  }

  read(event: Omit<Read, "is" | "process">): void {
    const { after, completed, first, invoked, isStrong, query, row, second } = event
    this.add([0, this.process, query, row, invoked, completed, isStrong ? 1 : 0, after, first, second])
  }

  write(event: Omit<Write, "is" | "process">): void {
    this.add([1, this.process, event.key, event.version, event.sent, event.acked, 0, 0, 0, 0])
  }

  /** The file holds everything after this. */
  flush(): void {
    fs.writeSync(this.file, new Uint8Array(this.records.buffer, 0, this.used * 8))
    this.used = 0
  }

  private add(record: ReadonlyArray<number>): void {
    this.records.set(record, this.used)
    this.used += width
    if (this.used === this.records.length) this.flush()
  }
}

/** The whole records of a file; a last one that is being written is left out. */
export const readLog = (path: string): ReadonlyArray<Event> => {
  const bytes = fs.readFileSync(path)
  const whole = Math.floor(bytes.byteLength / (width * 8))
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + whole * width * 8))
  return Array.from({ length: whole }, (_, index): Event => {
    const at = index * width
    // Every index is inside: the length was taken from the number of records.
    const n = (offset: number): number => numbers[at + offset]!
    return n(0) === 1
      ? { is: "write", process: n(1), key: n(2), version: n(3), sent: n(4), acked: n(5) }
      : {
        is: "read",
        process: n(1),
        query: n(2),
        row: n(3),
        invoked: n(4),
        completed: n(5),
        isStrong: n(6) === 1,
        after: n(7),
        first: n(8),
        second: n(9)
      }
  })
}

export const queryOf = (read: Read) => queryNames[read.query]!
