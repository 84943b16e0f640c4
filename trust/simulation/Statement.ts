/** One statement on its way: the messages up to a Sync, and what is known about it. */
import { type Frame, strings } from "./Frames.ts"
import type { Fault, Moment } from "./Scenario.ts"

export interface Statement {
  readonly frames: ReadonlyArray<Frame>
  readonly sql: string
  readonly moment: Moment | "other"
  readonly fault: Fault | undefined
}

const moments: ReadonlyArray<readonly [pattern: RegExp, moment: Moment]> = [
  [/pg_current_xact_id_if_assigned/, "mark"],
  [/pg_xact_status/, "status"],
  [/^begin\b/i, "begin"],
  [/^commit\b/i, "commit"],
  [/^insert\b|disguised_insert/i, "insert"],
  [/^(select|declare|fetch)\b/i, "read"]
]

export const momentOf = (sql: string): Moment | "other" =>
  moments.find(([pattern]) => pattern.test(sql.trim()))?.[1] ?? "other"

/** Puts statements together from messages. Prepared ones are named after their first time. */
export class StatementReader {
  private frames: Array<Frame> = []
  private sql = ""
  private readonly names = new Map<string, string>()

  /** The statement that `frame` completes. */
  add(frame: Frame): Omit<Statement, "fault"> | undefined {
    this.frames.push(frame)
    if (frame.type === "P") {
      const [name = "", sql = ""] = strings(frame, 2)
      this.names.set(name, sql)
      this.sql = sql
    } else if (frame.type === "B") {
      this.sql = this.names.get(strings(frame, 2)[1] ?? "") ?? ""
    }
    if (frame.type !== "S") return undefined
    const { frames, sql } = this
    this.frames = []
    this.sql = ""
    return { frames, sql, moment: momentOf(sql) }
  }
}

/** So many whole messages, and bytes of the next one; never all of it. */
export const cutAt = (frames: ReadonlyArray<Frame>, messages: number, bytes: number): Buffer => {
  const whole = Math.min(messages, frames.length - 1)
  const next = frames[whole]!.bytes
  return Buffer.concat([
    ...frames.slice(0, whole).map((frame) => frame.bytes),
    next.subarray(0, Math.min(bytes, next.length - 1))
  ])
}
