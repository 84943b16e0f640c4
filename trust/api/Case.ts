/** One way in which the API could let somebody in, give something away, break, or keep everybody waiting. */
import type { Stage } from "./Stage.ts"

export interface Outcome {
  /** What was not as it must be; nothing when all was. */
  readonly problems: ReadonlyArray<string>
  /** For the table: added up over all cases. */
  readonly figures: Partial<Figures>
  /** One line for people. */
  readonly note?: string
}

export interface Figures {
  readonly requests: number
  /** Answers of 500 and above, but 503. */
  readonly unexpected5xx: number
  /** Places in which a canary was found. */
  readonly leaks: number
  readonly authCells: number
  readonly authWrong: number
  /** Requests that failed after an overload was over. */
  readonly overloadErrorsAfter: number
}

export interface Case {
  readonly id: string
  readonly name: string
  /** Part of a quick run. */
  readonly quick: boolean
  readonly run: (stage: Stage) => Promise<Outcome>
}
