/** What breaks it, what it gives away, and what it keeps of what it was asked. */
import { fuzz } from "./abuse/fuzz.ts"
import { memory } from "./abuse/memory.ts"
import { slowClients } from "./abuse/slowClients.ts"
import type { Case } from "./Case.ts"

export const abuseCases: ReadonlyArray<Case> = [
  { id: "B1", name: "malformed, oversized, hostile: nothing breaks, nothing leaks", quick: true, run: fuzz },
  { id: "B2", name: "the same requests again and again: the heap does not grow", quick: false, run: memory },
  { id: "B3", name: "slow clients are cut off, and stand in nobody's way", quick: false, run: slowClients }
]
