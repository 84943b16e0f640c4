/**
 * What a step of the doctor says: a verdict in one sentence, the facts behind it, and what to do.
 */

/** In the order in which they are taken. */
export const stepNames = [
  "configuration",
  "directory",
  "dns",
  "tcp",
  "tls",
  "webSocket",
  "authentication",
  "server",
  "role",
  "extensions",
  "pooler",
  "timeouts",
  "clock",
  "roundTrip"
] as const

export type StepName = (typeof stepNames)[number]

/** `warning`: it works, and something needs attention. `failed`: it does not work, or works on the wrong thing. */
export type StepStatus = "ok" | "warning" | "failed" | "skipped"

/** Their names say the units. Never a password, nor a URL, which may hold one. */
export type Seen = Readonly<Record<string, string | number | boolean | null>>

export interface Outcome {
  readonly status: StepStatus
  /** One sentence: what was found, or why nobody looked. */
  readonly summary: string
  readonly seen: Seen
  /** What to do: the setting, the statement, the name. Of a step that is ok: what would be better still. */
  readonly advice: ReadonlyArray<string>
}

export interface StepReport extends Outcome {
  readonly name: StepName
  readonly durationMs: number
}

/** Something that is wrong, and what mends it. */
export interface Complaint {
  readonly summary: string
  readonly advice: string
}

export const ok = (summary: string, seen: Seen = {}, ...advice: ReadonlyArray<string>): Outcome => ({
  status: "ok",
  summary,
  seen,
  advice
})

export const failed = (summary: string, seen: Seen, ...advice: ReadonlyArray<string>): Outcome => ({
  status: "failed",
  summary,
  seen,
  advice
})

export const skipped = (why: string): Outcome => ({ status: "skipped", summary: why, seen: {}, advice: [] })

/** `ok` with `summary` when there is nothing to complain of. `hints` are what would be better still. */
export const judged = (
  summary: string,
  seen: Seen,
  complaints: ReadonlyArray<Complaint>,
  hints: ReadonlyArray<string> = []
): Outcome => ({
  status: complaints.length === 0 ? "ok" : "warning",
  summary: complaints.length === 0 ? summary : complaints.map((complaint) => complaint.summary).join("; "),
  seen,
  advice: [...complaints.map(({ advice }) => advice), ...hints]
})
