/** Every check, in the order in which they are shown. */
import type { AnyCheck } from "./Check.ts"
import { invalidIndexCheck } from "./invalidIndexes.ts"

export const allChecks: ReadonlyArray<AnyCheck> = [
  invalidIndexCheck
]
