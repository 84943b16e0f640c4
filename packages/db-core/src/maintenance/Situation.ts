/**
 * What a plan is made of: the tables, the indexes, how fast earlier steps were, and who is in the way, all read on one
 * connection.
 */
import * as Effect from "effect/Effect"
import { readServerFacts, type ServerFacts } from "../catalog/ServerFacts.ts"
import type { Backend } from "../driver/Capabilities.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import { asBlockers, type BlockerRow, blockersSql, type Waits } from "./blockers.ts"
import { type IndexState, indexStates } from "./IndexState.ts"
import * as JobStore from "./JobStore.ts"
import type { Blocker } from "./MaintenanceError.ts"
import { type Step, type StepKind, waitsOf } from "./MaintenancePlan.ts"
import { type TableState, tableStates } from "./TableState.ts"

export interface Situation {
  readonly server: ServerFacts
  readonly tables: ReadonlyArray<TableState>
  readonly indexes: ReadonlyArray<IndexState>
  /** Bytes a second of earlier steps of a kind; of none when there are no records. */
  readonly throughput: ReadonlyMap<string, number>
}

export const read = (connection: WireConnection, backend: Backend): Effect.Effect<Situation, DbError> =>
  Effect.gen(function*() {
    const server = yield* readServerFacts(connection, backend)
    return {
      server,
      tables: yield* connection.rows<TableState>(tableStates.sql(server)),
      indexes: yield* connection.rows<IndexState>(indexStates.sql(server)),
      throughput: yield* JobStore.throughput(connection)
    }
  })

/** What `kind` takes for `bytes`, by what earlier steps of it took; null when there were none. */
export const estimate = ({ throughput }: Situation, kind: StepKind, bytes: number): number | null => {
  const speed = throughput.get(kind)
  return speed === undefined || speed <= 0 ? null : Math.round((bytes / speed) * 1000)
}

/** The sessions that hold up a statement with these `waits` now, by table; 0 is every table. */
export const blockersOf = (
  connection: WireConnection,
  waits: Waits,
  tables: ReadonlyArray<number>,
  ours: ReadonlyArray<number> = []
): Effect.Effect<ReadonlyArray<BlockerRow>, DbError> =>
  connection.rows<BlockerRow>(blockersSql(waits), [tables.join(), ours.join()])

/** The steps with who is in their way now: one question for each kind. */
export const withBlockers = (
  connection: WireConnection,
  steps: ReadonlyArray<Step>
): Effect.Effect<ReadonlyArray<Step>, DbError> =>
  Effect.gen(function*() {
    const found = new Map<StepKind, ReadonlyArray<BlockerRow>>()
    for (const kind of new Set(steps.map(({ kind }) => kind))) {
      const tables = steps.flatMap((step) => step.kind === kind ? [step.tableOid] : [])
      found.set(kind, yield* blockersOf(connection, waitsOf[kind], [...new Set(tables)]))
    }
    return steps.map((step): Step => ({
      ...step,
      blockers: blockersFor(found.get(step.kind) ?? [], step.tableOid)
    }))
  })

const blockersFor = (rows: ReadonlyArray<BlockerRow>, tableOid: number): ReadonlyArray<Blocker> =>
  asBlockers(rows.filter((row) => row.tableOid === 0 || row.tableOid === tableOid))
