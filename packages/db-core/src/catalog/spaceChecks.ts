/** Checks about tables, indexes and constraints, in the order in which they are shown. */
import { cacheHitRatioCheck } from "./cacheHitRatios.ts"
import type { AnyCheck } from "./Check.ts"
import { indexBloatCheck } from "./indexBloat.ts"
import { notValidatedConstraintCheck } from "./invalidConstraints.ts"
import { redundantIndexCheck } from "./redundantIndexes.ts"
import { tableBloatCheck } from "./tableBloat.ts"
import { unindexedForeignKeyCheck } from "./unindexedForeignKeys.ts"
import { unusedIndexCheck } from "./unusedIndexes.ts"
import { noPrimaryKeyCheck } from "./withoutPrimaryKey.ts"

export const spaceChecks: ReadonlyArray<AnyCheck> = [
  notValidatedConstraintCheck,
  noPrimaryKeyCheck,
  unindexedForeignKeyCheck,
  redundantIndexCheck,
  unusedIndexCheck,
  tableBloatCheck,
  indexBloatCheck,
  cacheHitRatioCheck
]
