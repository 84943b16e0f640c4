/** What is wrong with a run: what the callers were told, held against the table. */
import { check, type Verdict } from "../Checker.ts"
import type { Operation as Entry } from "../History.ts"
import type { Told } from "./Callers.ts"
import type { Settings } from "./Scenario.ts"

/** How late an answer may be: a slot of the deadlines' clock and a tick of its own. Milliseconds. */
const lateness = 25

/** An interrupted call ends its statement first; a connection that does not answer that is given up. Milliseconds. */
const interruptGrace = 400

/** Streams have a limit for each of their batches; so many of them are never late at once. */
const streamLimits = 10

/** A health answer comes within this time. Milliseconds. */
const healthLimit = 2100

const entries = (told: Told): ReadonlyArray<Entry> => {
  const { at, endedAt, operation, outcome, rows, startedAt, undone } = told
  const entry = (id: string, kind: Entry["invocation"]["kind"], is = outcome): Entry => ({
    invocation: { id, kind, worker: operation.caller, at: startedAt },
    completion: is === undefined || endedAt === undefined ? undefined : { ...is, id, at: endedAt }
  })
  if (rows.length === 0) return [entry(`o${at}`, "read")]
  return [
    ...rows.map((row) => entry(row, operation.kind === "transaction" ? "transaction" : "insert")),
    ...undone.map((row) => entry(row, "transaction", { is: "failed" }))
  ]
}

/** How much later than it should have an operation ended. */
export const overrunOf = (
  { endedAt, isInterrupted, operation, startedAt }: Told,
  { queryTimeout }: Settings
): number => {
  if (endedAt === undefined) return Number.POSITIVE_INFINITY
  if (isInterrupted) return endedAt - startedAt - (operation.interrupt ?? 0)
  const limit = operation.kind === "health"
    ? healthLimit
    : operation.kind === "stream"
    ? queryTimeout * streamLimits
    : operation.timeout ?? queryTimeout
  return endedAt - startedAt - limit
}

/** An interrupted stream says goodbye to its cursor and to its transaction, each within the usual limit. */
const graceOf = ({ isInterrupted, operation }: Told, { queryTimeout }: Settings): number =>
  !isInterrupted ? lateness : interruptGrace + (operation.kind === "stream" ? 2 * queryTimeout : 0)

const lateFlaw = (told: Told, settings: Settings): ReadonlyArray<string> => {
  const overrun = overrunOf(told, settings)
  if (overrun <= graceOf(told, settings)) return []
  return [
    `HUNG o${told.at} ${told.operation.kind}${told.isInterrupted ? " interrupted" : ""}: ${
      Number.isFinite(overrun) ? `${Math.round(overrun)} ms late` : "never ended"
    }`
  ]
}

/** A transaction is there as a whole or not at all. */
const tornFlaw = ({ at, outcome, rows }: Told, found: ReadonlySet<string>): ReadonlyArray<string> => {
  const there = rows.filter((row) => found.has(row)).length
  return outcome?.is !== "ok" && there > 0 && there < rows.length
    ? [`TORN o${at}: ${there} of ${rows.length} rows`]
    : []
}

export interface Judgement {
  readonly verdict: Verdict
  /** One line each; none when everything is as it must be. */
  readonly flaws: ReadonlyArray<string>
}

export const judge = (told: ReadonlyArray<Told>, settings: Settings, table: ReadonlyArray<string>): Judgement => {
  const found = new Set(table)
  const verdict = check(told.flatMap(entries), table)
  const named = { lost: "LOST", doubled: "DOUBLE", lied: "LIED", wrong: "WRONG", foreign: "FOREIGN" } as const
  const flaws = (Object.keys(named) as Array<keyof typeof named>).flatMap((key) =>
    verdict[key].map((id) => `${named[key]} ${id}`)
  )
  return {
    verdict,
    flaws: [
      ...flaws,
      ...told.flatMap((
        one
      ) => [...one.flaws.map((flaw) => `${flaw} by o${one.at}`), ...lateFlaw(one, settings), ...tornFlaw(one, found)])
    ]
  }
}
