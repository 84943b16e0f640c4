/**
 * `emsdb doctor --json`: what was tried to connect, step by step, what is wrong, and how to mend it. Names host, port,
 * database and user, for who asked; no password and no URL.
 */
import * as Schema from "effect/Schema"
import { IsoInstant, Milliseconds, Text } from "./Scalars.ts"

export const DoctorStep = Schema.Struct({
  name: Schema.Literals([
    "configuration",
    "directory",
    "dns",
    "tcp",
    "tls",
    "webSocket",
    "authentication",
    "server",
    "role",
    "extensions",
    "pooler",
    "timeouts",
    "clock",
    "roundTrip"
  ]),
  /** `skipped`: it does not apply, or rests on a step that failed; `summary` says which. */
  status: Schema.Literals(["ok", "warning", "failed", "skipped"]),
  /** What was found, or why nobody looked, in one sentence. */
  summary: Text,
  /** The facts behind it; their names say the units. */
  seen: Schema.Record(
    Schema.String,
    Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])
  ),
  /** What to do. Of a step that is ok: what would be better still. */
  advice: Schema.Array(Text),
  durationMs: Milliseconds
})
export type DoctorStep = typeof DoctorStep.Type

export const Doctor = Schema.Struct({
  /** When it was begun. */
  timestamp: IsoInstant,
  /**
   * `findings`: a session could be opened, and something is wrong. `unreachable`: none could. `misconfigured`: the
   * settings cannot be used.
   */
  verdict: Schema.Literals(["ok", "findings", "unreachable", "misconfigured"]),
  /** Each, in the order in which it was taken. */
  steps: Schema.Array(DoctorStep),
  durationMs: Milliseconds
})
export type Doctor = typeof Doctor.Type
