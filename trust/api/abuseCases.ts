/** What breaks it, what it gives away, and what it keeps of what it was asked. */
import { fuzz } from "./abuse/fuzz.ts"
import type { Case } from "./Case.ts"

export const abuseCases: ReadonlyArray<Case> = [
  { id: "B1", name: "malformed, oversized, hostile: nothing breaks, nothing leaks", quick: true, run: fuzz }
]
