/** `emsdb bench --json`: what one run measured from here, in pgbench's words. */
import * as Schema from "effect/Schema"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"
import { unavailableParts } from "./Unavailable.ts"

const measures = ["round-trip", "connect", "read", "transaction"] as const

export const BenchMeasurement = Schema.Struct({
  /**
   * - `round-trip`: `select 1`.
   * - `connect`: a connection opened, logged in and closed.
   * - `read`: a row of `pg_class` by its key.
   * - `transaction`: begin, an update and a select by key, commit. Only with `--write`.
   */
  measure: Schema.Literals(measures),
  /** How many at a time, each beginning the next when one is done. */
  clients: Count,
  /** How many were done. */
  transactions: Count,
  durationMs: Milliseconds,
  /** A second, without the opening of connections where that is not what is measured. */
  tps: Schema.Finite,
  latencyAverageMs: Milliseconds,
  /** Of all that were done. */
  latencyStddevMs: Milliseconds,
  /** Nearest rank. */
  p50Ms: Milliseconds,
  p95Ms: Milliseconds,
  p99Ms: Milliseconds,
  maxMs: Milliseconds
})
export type BenchMeasurement = typeof BenchMeasurement.Type

export const Bench = Schema.Struct({
  timestamp: IsoInstant,
  database: Text,
  /** As `server_version_num`: 180004 is 18.4. */
  version: Count,
  /** Connections that the pool may open. */
  poolMax: Count,
  measurements: Schema.Array(BenchMeasurement),
  /** The longest time that this process did not look at what had come: it is in the latencies, and not the server's. */
  longestStallMs: Milliseconds,
  unavailableParts: unavailableParts(measures),
  /** What the figures do not show. */
  notes: Schema.Array(Text)
})
export type Bench = typeof Bench.Type
