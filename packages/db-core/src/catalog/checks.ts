/** Every check, in the order in which they are shown. */
import { activityChecks } from "./activityChecks.ts"
import type { AnyCheck } from "./Check.ts"
import { invalidIndexCheck } from "./invalidIndexes.ts"
import { spaceChecks } from "./spaceChecks.ts"

export const allChecks: ReadonlyArray<AnyCheck> = [
  invalidIndexCheck,
  ...activityChecks,
  ...spaceChecks
]
