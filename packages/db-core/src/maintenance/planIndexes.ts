/**
 * Compares the indexes that must exist with those that do, and says what would make them the same.
 */
import * as Effect from "effect/Effect"
import { qualified as identified } from "../catalog/Identifier.ts"
import { createIndexText, type IndexDefinition } from "../catalog/IndexDefinition.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import { type DbError, isDbError } from "../errors/DbError.ts"
import { type Expected, expectedIndexes, keyOf, wantedText } from "./expectedIndexes.ts"
import type { IndexState } from "./IndexState.ts"
import { indexStep, leftoverStep } from "./indexSteps.ts"
import type { MaintenanceError } from "./MaintenanceError.ts"
import type { IndexReport, Step } from "./MaintenancePlan.ts"
import { lookUp, type MaintenanceRequest, qualified } from "./MaintenanceRequest.ts"
import type { Situation } from "./Situation.ts"
import type { TableState } from "./TableState.ts"

/** Bytes of an entry beside its keys: header and pointer. Source: PostgreSQL documentation, "Database Page Layout". */
const entryBytes = 16

/** How full CREATE INDEX fills the pages of a B-tree. Source: PostgreSQL documentation, `fillfactor`. */
const fill = 0.9

/** Assumed of an expression, whose width nobody knows before it is analysed. */
const unknownWidth = 16

/** Assumed of the rows of a table that nobody has counted. Bytes. */
const unknownRow = 64

/** At most: a partial index has fewer entries, equal keys share one. */
const sizeOf = (definition: IndexDefinition, table: TableState): number => {
  const widths = new Map(table.columns.map((name, at) => [name, table.widths[at] ?? unknownWidth]))
  const keys = definition.columns.reduce((sum, key) => sum + (widths.get(key.split(" ")[0]!) ?? unknownWidth), 0)
  const counted = Math.max(table.rows, table.liveRows)
  const rows = counted > 0 ? counted : table.heapBytes / unknownRow
  return Math.round((rows * (entryBytes + keys)) / fill)
}

interface Comparison {
  readonly report: IndexReport
  readonly step: Step | undefined
  readonly note: string | undefined
}

const compare = (
  situation: Situation,
  definition: IndexDefinition,
  expected: Expected | DbError | undefined,
  rebuildDrifted: boolean
): Comparison => {
  const { name, schema } = definition
  const live = situation.indexes.find((index) => index.schema === schema && index.name === name)
  const table = situation.tables.find((one) => one.schema === schema && one.name === definition.table)
  const report = (state: IndexReport["state"]): IndexReport => ({
    schema,
    name,
    table: definition.table,
    state,
    expected: wantedText(definition),
    actual: live?.definition ?? null
  })
  const only = (state: IndexReport["state"], note?: string): Comparison => ({
    report: report(state),
    step: undefined,
    note
  })
  const shown = qualified(definition)
  if (table === undefined) {
    return only("missing", `${shown} is not built: there is no table ${schema}.${definition.table}`)
  }
  if (live !== undefined && live.builder !== null) {
    return only("building", `${shown} is being built by process ${live.builder}`)
  }
  // Somebody has the table locked: what is missing is missing all the same, and the step says who it is.
  const isLocked = isDbError(expected) && expected.reason._tag === "LockTimeout"
  if (isDbError(expected) && (live?.isUsable === true || !isLocked)) {
    return only(
      live?.isUsable === true ? "present" : "missing",
      `${shown} was not compared: ${expected.reason.message}`
    )
  }
  const isElsewhere = live !== undefined && live.tableOid !== table.oid
  const isDrifted = isElsewhere ||
    (live?.isUsable === true && expected !== undefined && !isDbError(expected) && expected.body !== null &&
      live.body !== null && (live.body !== expected.body || live.isUnique !== expected.isUnique))
  if (live?.isUsable === true && !isDrifted) return only("present")
  const state = live === undefined ? "missing" : isDrifted ? "drifted" : "invalid"
  if (state === "drifted" && !rebuildDrifted) return only("drifted")
  if (live !== undefined && live.neededBy.length > 0) {
    return only(state, `${shown} is not rebuilt: it is ${live.neededBy.join(", ")}`)
  }
  if (table.isPartitioned) {
    return only(state, `${shown} is not built: on a partitioned table that would hold up writers`)
  }
  const create = createIndexText(definition, { concurrently: true, on: table.sql })
  const drop = live === undefined ? [] : [`drop index concurrently ${live.sql}`]
  return {
    report: report(state),
    note: undefined,
    step: indexStep(situation, live === undefined ? "create-index" : "rebuild-index", table, definition, {
      statements: [...drop, create],
      because: state === "missing" ? "it is missing" : state === "invalid" ? "it is invalid" : "it is not as defined",
      diskBytes: sizeOf(definition, table),
      undo: live === undefined
        ? `drop index concurrently ${identified(schema, name)}`
        : state === "drifted"
        ? live.definition
        : null
    })
  }
}

const extras = (
  { indexes, tables }: Situation,
  definitions: ReadonlyArray<IndexDefinition>
): ReadonlyArray<IndexReport> => {
  const defined = new Set(definitions.map(keyOf))
  const watched = new Set(definitions.map(({ schema, table }) => keyOf({ schema, name: table })))
  const oids = new Map(tables.map((table) => [table.oid, table]))
  return indexes.flatMap((index: IndexState): ReadonlyArray<IndexReport> => {
    const table = oids.get(index.tableOid)
    if (table === undefined || !watched.has(keyOf(table)) || defined.has(keyOf(index)) || index.neededBy.length > 0) {
      return []
    }
    return [{
      schema: index.schema,
      name: index.name,
      table: index.table,
      state: "extra",
      expected: null,
      actual: index.definition
    }]
  })
}

/** Leftovers of rebuilds on the tables of the definitions: they have another name than any of them. */
const leftovers = (
  situation: Situation,
  definitions: ReadonlyArray<IndexDefinition>
): ReadonlyArray<Step> => {
  const watched = new Set(definitions.map(({ schema, table }) => keyOf({ schema, name: table })))
  return situation.indexes.flatMap((index) => {
    const table = situation.tables.find(({ oid }) => oid === index.tableOid)
    if (table === undefined || !watched.has(keyOf(table))) return []
    return leftoverStep(situation, table, index)
  })
}

export const planIndexes = (
  connection: WireConnection,
  situation: Situation,
  definitions: ReadonlyArray<IndexDefinition>,
  request: MaintenanceRequest
): Effect.Effect<
  {
    readonly steps: ReadonlyArray<Step>
    readonly indexes: ReadonlyArray<IndexReport>
    readonly notes: ReadonlyArray<string>
  },
  DbError | MaintenanceError
> =>
  Effect.gen(function*() {
    const { action, rebuildDrifted = false } = request
    const named = request.indexes === undefined
      ? definitions
      : yield* lookUp(action, "index", request.indexes, definitions)
    const tables = request.tables === undefined
      ? undefined
      : new Set((yield* lookUp(action, "table", request.tables, situation.tables)).map(keyOf))
    const wanted = tables === undefined
      ? named
      : named.filter(({ schema, table }) => tables.has(keyOf({ schema, name: table })))
    const expected = yield* expectedIndexes(
      connection,
      wanted.flatMap((definition) => {
        const table = situation.tables.find(({ name, schema }) =>
          schema === definition.schema && name === definition.table
        )
        return table === undefined ? [] : [[definition, table.sql] as const]
      })
    )
    const compared = wanted.map((definition) =>
      compare(situation, definition, expected.get(keyOf(definition)), rebuildDrifted)
    )
    const isAll = request.indexes === undefined && request.tables === undefined
    return {
      steps: [
        ...isAll ? leftovers(situation, definitions) : [],
        ...compared.flatMap(({ step }) => step ?? [])
      ],
      indexes: [...compared.map(({ report }) => report), ...isAll ? extras(situation, definitions) : []],
      notes: compared.flatMap(({ note }) => note ?? [])
    }
  })
