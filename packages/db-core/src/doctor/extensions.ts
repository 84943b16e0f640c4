/**
 * The extensions that reports rest on. Everything else works without them.
 */
import * as Effect from "effect/Effect"
import { type MonitoringExtension, monitoringExtensions } from "../catalog/monitoringExtensions.ts"
import type { DbError } from "../errors/DbError.ts"
import type { Conversation } from "./Conversation.ts"
import { type Complaint, judged, ok, type Outcome } from "./Step.ts"

const preload = "add pg_stat_statements to shared_preload_libraries and restart the server (hosts have a switch for it)"

const statements = ({ installed, isPreloaded, offered }: MonitoringExtension): ReadonlyArray<Complaint> => {
  if (installed !== null && isPreloaded === true) return []
  if (installed !== null) {
    return [{ summary: "pg_stat_statements is installed and not loaded: it counts nothing", advice: preload }]
  }
  return [{
    summary: "pg_stat_statements is missing: emsdb queries has nothing from the server",
    advice: offered === null
      ? "install the server's contrib package (postgresql-contrib), then CREATE EXTENSION pg_stat_statements"
      : `${isPreloaded === true ? "" : `${preload}, then `}CREATE EXTENSION pg_stat_statements`
  }]
}

const tuples = ({ installed, offered }: MonitoringExtension): ReadonlyArray<string> =>
  installed === null && offered !== null
    ? ["to measure bloat instead of estimating it: CREATE EXTENSION pgstattuple"]
    : []

const textOf = ({ installed, isPreloaded, offered }: MonitoringExtension): string =>
  installed === null
    ? offered === null ? "not there" : `${offered} can be installed`
    : `${installed}${isPreloaded === false ? ", not loaded" : ""}`

export const extensions = (talk: Conversation): Effect.Effect<Outcome, DbError> =>
  Effect.map(talk.ask(monitoringExtensions), (answer) => {
    const rows = answer.isAvailable ? answer.rows : []
    const seen = Object.fromEntries(rows.map((row) => [row.name, textOf(row)]))
    // It has no statements of others to count, and its files hold what they hold.
    if (talk.server.backend === "embedded") return ok("an embedded database needs none", seen)
    const named = (name: MonitoringExtension["name"]) => rows.filter((row) => row.name === name)
    return judged(
      "pg_stat_statements counts",
      seen,
      named("pg_stat_statements").flatMap(statements),
      named("pgstattuple").flatMap(tuples)
    )
  })
