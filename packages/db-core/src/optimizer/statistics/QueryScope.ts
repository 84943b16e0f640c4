/**
 * What one request did to the database: the same query again and again (N+1), the same statement twice, more rows than
 * anybody reads. For the fibre it was given to and all of its children, also at the same time; one scope for each
 * request.
 */
import type * as Effect from "effect/Effect"
import type { Fingerprint } from "../../telemetry/Fingerprint.ts"
import { statementHash } from "./ParameterHash.ts"
import { labelled, type StatementListener } from "./QueryLabels.ts"

/** The same query so often with different values could have been one. */
const nPlusOne = 5

/** Rows of one statement without LIMIT, and rows skipped by OFFSET, that are too many. */
const manyRows = 1000

/** Of one request; of what comes after these only the count is kept. */
const mostRemembered = 1000

export type FindingKind = "n-plus-one" | "repeated" | "unbounded" | "deep-offset"

/** Plain data, without values. */
export interface Finding {
  readonly kind: FindingKind
  /** Of its fingerprint. */
  readonly id: string
  readonly text: string
  readonly name: string | undefined
  /** How often it ran, or for `repeated` how often the same was asked again. */
  readonly count: number
  readonly advice: string
}

export interface ScopeQuery {
  readonly id: string
  readonly text: string
  readonly name: string | undefined
  readonly count: number
  readonly rows: number
}

interface Seen {
  readonly fingerprint: Fingerprint
  name: string | undefined
  count: number
  rows: number
  /** How often each, by the hash of text and parameters; those that failed are not among them. */
  readonly variants: Map<number, number>
  unbounded: number
  deepOffset: number
}

/** Sent by transactions and streams, and not by who uses them. */
const control: ReadonlySet<string | undefined> = new Set(
  ("BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE END ABORT SET RESET SHOW DISCARD DEALLOCATE DECLARE FETCH MOVE CLOSE")
    .split(" ")
)

/** Asked by a transaction before its COMMIT, so that a lost answer can be resolved: nobody's query. */
const isOwn = ({ text }: Fingerprint): boolean => text.startsWith("select pg_current_xact_id_if_assigned()")

const advice: { readonly [Kind in FindingKind]: string } = {
  "n-plus-one": "ask for all of them at once: a join, or `= any($1)`",
  repeated: "ask once and pass the answer on",
  unbounded: "add a LIMIT, or stream the rows",
  "deep-offset": "go on behind the last row seen (keyset pagination): the server reads what OFFSET skips"
}

const batchWrites = "write them at once: several rows in VALUES, or `from unnest(…)`"

export class QueryScope implements StatementListener {
  private readonly seen = new Map<string, Seen>()
  private remembered = 0
  private total = 0

  readonly heard: StatementListener["heard"] = ({ fingerprint, hasLimit, offset }, outcome, name) => {
    if (control.has(fingerprint.operation) || isOwn(fingerprint)) return
    this.total++
    let seen = this.seen.get(fingerprint.id)
    if (seen === undefined) {
      if (this.seen.size >= mostRemembered) return
      seen = { fingerprint, name, count: 0, rows: 0, variants: new Map(), unbounded: 0, deepOffset: 0 }
      this.seen.set(fingerprint.id, seen)
    }
    seen.name ??= name
    seen.count++
    seen.rows += outcome.rows
    // What failed may be tried again by the data layer itself: nobody asked twice.
    if (outcome.isError) return
    const hash = statementHash(outcome.sql, outcome.params)
    const before = seen.variants.get(hash)
    if (before !== undefined || this.remembered < mostRemembered) {
      if (before === undefined) this.remembered++
      seen.variants.set(hash, (before ?? 0) + 1)
    }
    const isRead = fingerprint.operation === "SELECT"
    if (isRead && !hasLimit && outcome.rows > manyRows) seen.unbounded++
    const skipped = offset === undefined
      ? 0
      : "rows" in offset
      ? offset.rows
      : Number(outcome.params[offset.parameter - 1])
    if (skipped > manyRows) seen.deepOffset++
  }

  /** Statements, those that control transactions and cursors left out. */
  get count(): number {
    return this.total
  }

  /** What ran, in the order in which each query first ended. */
  get queries(): ReadonlyArray<ScopeQuery> {
    return [...this.seen.values()].map(({ count, fingerprint: { id, text }, name, rows }) => ({
      id,
      text,
      name,
      count,
      rows
    }))
  }

  /** What should not have been. */
  get findings(): ReadonlyArray<Finding> {
    const findings: Array<Finding> = []
    for (const { deepOffset, fingerprint, name, unbounded, variants } of this.seen.values()) {
      const { id, operation, text } = fingerprint
      const isRead = operation === "SELECT"
      const add = (kind: FindingKind, count: number): void => {
        const said = kind === "n-plus-one" && !isRead ? batchWrites : advice[kind]
        findings.push({ kind, id, text, name, count, advice: said })
      }
      let repeated = 0
      for (const times of variants.values()) repeated += times - 1
      if (variants.size >= nPlusOne) add("n-plus-one", variants.size + repeated)
      // The same write twice does something twice.
      if (isRead && repeated > 0) add("repeated", repeated)
      if (unbounded > 0) add("unbounded", unbounded)
      if (deepOffset > 0) add("deep-offset", deepOffset)
    }
    return findings
  }

  /** Runs `effect` in this scope. A scope around it does not hear of it. */
  readonly run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    labelled({ listener: this })(effect)
}
