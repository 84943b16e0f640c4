/** Who is let in: every operation against every credential, sessions that are raced for, passwords that are guessed. */
import { entrances } from "./access/entrances.ts"
import { guessing } from "./access/guessing.ts"
import { loginFlood } from "./access/loginFlood.ts"
import { refresh } from "./access/refresh.ts"
import { table } from "./access/table.ts"
import type { Case } from "./Case.ts"

export const accessCases: ReadonlyArray<Case> = [
  { id: "A1", name: "every operation × every credential", quick: true, run: table },
  { id: "A2", name: "refresh tokens raced for, rotated and used again", quick: true, run: refresh },
  { id: "A3", name: "guessing is slowed, and others are not", quick: true, run: guessing },
  { id: "A4", name: "open on loopback alone; the first admin once", quick: false, run: entrances },
  { id: "A5", name: "a flood of logins tells nothing, and stops no probe", quick: false, run: loginFlood }
]
