/** `GET /api/db/vacuum`: which tables wait for VACUUM, who holds it up, and how far transaction ids are from their end. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { sampledRate } from "./Rate.ts"
import { Count, ElapsedMs, IsoInstant, Text } from "./Scalars.ts"
import { unavailableParts } from "./Unavailable.ts"

/**
 * - `running`: a VACUUM works on it.
 * - `held-back`: it was vacuumed, and its dead rows are still held; `horizon` says by whom.
 * - `overdue`: twice over what makes autovacuum come.
 */
export const VacuumState = Schema.Literals(["running", "held-back", "overdue", "due", "not-due"])
export type VacuumState = typeof VacuumState.Type

export const VacuumQuery = Schema.Struct({
  ...pageQuery(["deadRows", "insertedRows", "modifiedRows", "xidAge", "bytes", "vacuumAt", "analyzeAt"]).fields,
  /** Only tables in that state. */
  state: Schema.optionalKey(VacuumState)
})

const perHour = Schema.NullOr(Schema.Finite)

export const VacuumTable = Schema.Struct({
  schema: Text,
  table: Text,
  /** Of its TOAST table, which is vacuumed for itself and never analysed. */
  isToast: Schema.Boolean,
  state: VacuumState,
  /** Autovacuum works on it. */
  isEnabled: Schema.Boolean,
  bytes: Count,
  rows: Schema.Finite,
  deadRows: Schema.Finite,
  /** VACUUM comes above it. */
  deadLimit: Schema.Finite,
  insertedRows: Schema.Finite,
  /** VACUUM comes above it; null where inserts cause none. */
  insertLimit: Schema.NullOr(Schema.Finite),
  modifiedRows: Schema.Finite,
  /** ANALYZE comes above it; null for TOAST. */
  analyzeLimit: Schema.NullOr(Schema.Finite),
  /** Transactions since its oldest row that is not frozen. */
  xidAge: Schema.Finite,
  /** VACUUM against wraparound comes above it, enabled or not. */
  freezeLimit: Schema.Finite,
  multixactAge: Schema.Finite,
  multixactLimit: Schema.Finite,
  lastVacuumAt: Schema.NullOr(IsoInstant),
  lastAnalyzeAt: Schema.NullOr(IsoInstant),
  /** The phase of a VACUUM that works on it now. */
  phase: Schema.NullOr(Schema.String),
  /** How much of the table that VACUUM has read. */
  scannedShare: Schema.NullOr(Schema.Finite),
  deadPerHour: perHour,
  insertedPerHour: perHour,
  modifiedPerHour: perHour,
  /** When it will be due at these rates; null when they are unknown, or nothing grows. */
  vacuumAt: Schema.NullOr(IsoInstant),
  analyzeAt: Schema.NullOr(IsoInstant),
  ...sampledRate
})

/** Who keeps VACUUM from removing dead rows. */
export const HorizonHolder = Schema.Struct({
  kind: Schema.Literals(["session", "slot", "slot-catalog", "prepared", "standby"]),
  /** The process of a session, the name of a slot, a prepared transaction or a standby. */
  name: Schema.String,
  database: Schema.NullOr(Schema.String),
  /** The session's state, the slot's plugin, the prepared transaction's owner, the standby's state. */
  detail: Schema.NullOr(Schema.String),
  /** Transactions begun since. */
  age: Schema.Finite,
  /** Null where Postgres does not record it. */
  heldMs: Schema.NullOr(ElapsedMs),
  /** In another database: of this one it holds nothing back. */
  isElsewhere: Schema.Boolean
})

export const Wraparound = Schema.Struct({
  kind: Schema.Literals(["database", "table"]),
  /** Null for a database. */
  schema: Schema.NullOr(Text),
  name: Text,
  isToast: Schema.Boolean,
  xidAge: Schema.Finite,
  multixactAge: Schema.Finite,
  /** Of the way to the point where the server refuses writes; above 1 behind it. */
  xidShare: Schema.Finite,
  multixactShare: Schema.Finite,
  xidsPerDay: Schema.NullOr(Schema.Finite),
  multixactsPerDay: Schema.NullOr(Schema.Finite),
  /** When that is at these rates, if nothing is vacuumed until then; null when they are unknown. */
  stopsAt: Schema.NullOr(IsoInstant)
})

/** Tables, those with the most dead rows for their limit first. */
export const Vacuum = Schema.Struct({
  ...pageOf(VacuumTable).fields,
  /** Oldest first; the first 50. */
  horizon: Schema.Array(HorizonHolder),
  /** Databases of the server and tables of this one, those nearest to the end first; the first 50. */
  wraparound: Schema.Array(Wraparound),
  unavailableParts: unavailableParts(["horizon", "wraparound"])
})
export type Vacuum = typeof Vacuum.Type
