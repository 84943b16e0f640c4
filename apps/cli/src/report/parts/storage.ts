/** What is stored: tables, their room, their indexes, and what waits for VACUUM. */
import { pageFrom } from "@ems/db-core/catalog/AnswerPage"
import { indexReport } from "@ems/db-core/catalog/IndexReport"
import { spaceReport } from "@ems/db-core/catalog/SpaceReport"
import { tableReport } from "@ems/db-core/catalog/TableReport"
import { unusedIndexCheck } from "@ems/db-core/catalog/unusedIndexes"
import { vacuumReport } from "@ems/db-core/catalog/VacuumReport"
import { indexCatalog } from "@ems/schema"
import type { Index } from "@ems/schema/contract/Indexes"
import * as Effect from "effect/Effect"
import { most } from "./most.ts"

export const tables = tableReport({ limit: most })

export const space = spaceReport({ limit: most })

/** Less is not worth a word: estimates are off by as much. */
const leastWasted = 0.3

/** The same figure as the check's: on a server that just began to count nobody has read anything. */
const leastUnusedDays = unusedIndexCheck.thresholds["minimumDays"]!.value

/** Indexes that are redundant or unread and stay all the same: somebody wanted them so. */
const onPurpose: ReadonlySet<string> = new Set(
  indexCatalog.filter(({ intentional }) => intentional !== null).map(({ name, schema }) => `${schema}.${name}`)
)

export const against = ({ bloat, invalid, name, redundant, schema, unused }: Index) => {
  const isWanted = onPurpose.has(`${schema}.${name}`)
  return {
    invalid: invalid !== null,
    redundant: redundant !== null && !isWanted,
    unused: unused !== null && unused.unusedDays >= leastUnusedDays && !isWanted,
    bloated: (bloat?.wastedShare ?? 0) >= leastWasted
  }
}

/** The worst first; of equal ones the largest. */
const weightOf = (index: Index): number => {
  const { bloated, invalid, redundant, unused } = against(index)
  return invalid ? 4 : redundant ? 3 : unused ? 2 : bloated ? 1 : 0
}

export const indexes = Effect.map(indexReport({ limit: Number.MAX_SAFE_INTEGER }), (page) => {
  const found = page.items.filter((index) => weightOf(index) > 0)
  const count = (kind: keyof ReturnType<typeof against>) => found.filter((index) => against(index)[kind]).length
  return {
    ...page,
    ...pageFrom(found, { limit: most, sort: "-weight" }, { weight: weightOf }),
    counts: {
      invalid: count("invalid"),
      redundant: count("redundant"),
      unused: count("unused"),
      bloated: count("bloated")
    }
  }
})

/** Most are as old as the server: those behind the nearest say nothing more. */
const mostNearest = 5

export const vacuum = Effect.map(vacuumReport({ limit: most }), (page) => ({
  ...page,
  horizon: page.horizon.slice(0, most),
  wraparound: page.wraparound.slice(0, mostNearest)
}))
