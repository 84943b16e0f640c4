/** One way in which maintenance or a migration could leave a database worse than it found it. */
import type { Stage } from "./Stage.ts"

export interface Case {
  readonly id: string
  readonly name: string
  /** Part of a quick run. */
  readonly quick: boolean
  /** What was not as it must be; nothing when all was. */
  readonly run: (stage: Stage) => Promise<ReadonlyArray<string>>
}
