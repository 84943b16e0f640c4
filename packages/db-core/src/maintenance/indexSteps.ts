/** Steps that work on one index. */
import type { IndexState } from "./IndexState.ts"
import type { Step } from "./MaintenancePlan.ts"
import { estimate, type Situation } from "./Situation.ts"
import type { TableState } from "./TableState.ts"

/** Without who is in its way. */
export const indexStep = (
  situation: Situation,
  kind: Extract<Step["kind"], "create-index" | "rebuild-index" | "reindex" | "drop-index">,
  table: TableState,
  index: { readonly schema: string; readonly name: string },
  rest: Pick<Step, "statements" | "because" | "diskBytes" | "undo">
): Step => {
  const bytes = kind === "drop-index" ? 0 : table.heapBytes
  return {
    kind,
    schema: index.schema,
    object: index.name,
    table: table.name,
    tableOid: table.oid,
    lock: "ShareUpdateExclusive",
    blocks: "schema changes",
    bytes,
    estimatedMs: kind === "drop-index" ? null : estimate(situation, kind, bytes),
    blockers: [],
    ...rest
  }
}

/** Drops the twin that an interrupted REINDEX CONCURRENTLY left. */
export const leftoverStep = (
  situation: Situation,
  table: TableState,
  index: IndexState
): ReadonlyArray<Step> =>
  index.isUsable || !index.isLeftover || index.builder !== null || index.neededBy.length > 0 || index.isPartitioned
    ? []
    : [indexStep(situation, "drop-index", table, index, {
      statements: [`drop index concurrently ${index.sql}`],
      because: "an interrupted rebuild left it",
      diskBytes: 0,
      undo: null
    })]

export const reindexStep = (situation: Situation, table: TableState, index: IndexState, because: string): Step =>
  indexStep(situation, "reindex", table, index, {
    statements: [`reindex index concurrently ${index.sql}`],
    because,
    diskBytes: index.bytes,
    undo: null
  })
