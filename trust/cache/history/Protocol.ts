/** What the run and the processes of a history say to each other: one JSON object a line. */
import * as readline from "node:readline"
import type { CacheContenderName, CacheOptions, Counts } from "./Contender.ts"

export interface AppLoad {
  readonly readers: number
  /** So many of them read `strong`. */
  readonly strongReaders: number
  /** Of the reads of the others so many come `after` the last transaction that any process was told of. */
  readonly afterShare: number
  /** Of the reads, so many more than usual are the slow query. */
  readonly slowShare: number
  /** Reads of a reader one after the other, before it pauses. */
  readonly burst: number
  /** How long it pauses, on average. */
  readonly readPauseMs: number
  /** Between two writes of the process, on average. */
  readonly writePauseMs: number
}

export interface OutsiderLoad {
  readonly writePauseMs: number
  /** How long a transaction that is committed late stays open, at most. */
  readonly longMs: number
}

/** Somebody was told that this version is committed. */
export interface Acked {
  readonly key: number
  readonly version: number
  readonly xid: string
}

export type Command =
  | {
    readonly do: "open"
    readonly contender: CacheContenderName
    readonly options: CacheOptions
    readonly log: string
    readonly process: number
    readonly seed: number
  }
  | {
    readonly do: "openOutsider"
    readonly url: string
    readonly log: string
    readonly process: number
    readonly seed: number
  }
  | { readonly do: "install" }
  | { readonly do: "work"; readonly app?: AppLoad; readonly outsider?: OutsiderLoad }
  | { readonly do: "report" }
  | { readonly do: "stop" }
  | { readonly do: "close" }
  /** Has no answer. */
  | ({ readonly do: "acked" } & Acked)

export interface Report {
  readonly counts: Counts
  readonly reads: number
  readonly writes: number
  /** Of calls, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly unhandled: ReadonlyArray<string>
}

export type Answer =
  | { readonly did: "done"; readonly report?: Report }
  | { readonly did: "failed"; readonly error: string }
  | ({ readonly did: "acked" } & Acked)

/** Nothing else that is printed begins with this. */
export const mark = "\u0001history "

export const say = (answer: Answer): void => void process.stdout.write(`${mark}${JSON.stringify(answer)}\n`)

/** Obeys the commands on stdin, and ends with it. */
export const listen = (obey: (command: Command) => Promise<Answer | undefined>): void => {
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    // A cast: the run writes nothing else.
    obey(JSON.parse(line) as Command)
      .catch((error: unknown): Answer => ({
        did: "failed",
        error: error instanceof Error ? error.message : String(error)
      }))
      .then((answer) => {
        if (answer !== undefined) say(answer)
      }, () => {})
  }).on("close", () => process.exit(0))
}
