/**
 * Asks the server how it would run a statement that somebody brings: PREPARE and EXPLAIN EXECUTE in a read-only
 * transaction that is rolled back, with limits of time. PREPARE takes one SELECT, INSERT, UPDATE, DELETE, MERGE or
 * VALUES and nothing else, by Postgres's own grammar; and unlike EXPLAIN (GENERIC_PLAN) over the extended protocol it
 * plans for parameters without values.
 *
 * Without `analyze` nothing is executed, with one exception that is the planner's: functions declared IMMUTABLE are
 * folded and functions declared STABLE are called for estimates, under the same limits. With `analyze` the statement
 * runs. The transaction then keeps it from writing tables, but a function may do what no transaction takes back: end
 * sessions, read the server's files, write over another connection, hold a lock of the session. What it may call is
 * what the role may, so that `analyze` is for those who could run SQL anyway.
 *
 * Estimates, and whether such a function fails, tell something about what tables hold: who may ask for plans may guess
 * at every value that the role may read.
 *
 * No hook, log, span or error gets the statement. What Postgres writes to its own log is Postgres's setting.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { literal } from "../catalog/Literal.ts"
import { StatementRunner } from "../connection/StatementRunner.ts"
import { CurrentBudget, hold } from "../driver/Budget.ts"
import { DbError } from "../errors/DbError.ts"
import type { ReasonTag } from "../errors/SqlState.ts"
import { ExplainError, type ExplainReason } from "./ExplainError.ts"
import { planOf } from "./statistics/PlanShape.ts"

export interface ExplainRequest {
  /** One statement. */
  readonly sql: string
  /**
   * Values of `$1`, `$2`, … as text in Postgres's input format: the plan is then for these. Without them it is for any
   * values.
   */
  readonly parameters?: ReadonlyArray<string | null> | undefined
  /** Runs it, and says what it took. Default false. */
  readonly analyze?: boolean | undefined
  /** For planning and running together, 1 to 30,000 milliseconds. Default 5000. */
  readonly timeout?: number | undefined
}

export interface Explained {
  /** The server's own plan, in its words: what `EXPLAIN (FORMAT JSON)` has under `Plan`. */
  readonly plan: Schema.Json
  /** Same shape, same way of doing it. See `PlanShape`. */
  readonly shape: string
  /** For any values of the parameters, not for those given. */
  readonly isGeneric: boolean
  readonly planningMs: number | null
  /** Of a statement that was run. */
  readonly executionMs: number | null
}

/** For records: tells whether two were the same statement, and not what it says. */
export const digestOf = (sql: string): string =>
  `statement sha256:${createHash("sha256").update(sql).digest("hex").slice(0, 32)}`

const defaultTimeout = 5000

/** Who asks must not queue behind a migration, and hold back others in turn. Milliseconds. */
const lockTimeout = 1000

/** For a connection and the statements around it, on top of the statement's own time. Milliseconds. */
const overhead = 3000

export class Explain extends Context.Service<Explain, {
  /** Fails with an `ExplainError` for what is the statement's fault. */
  readonly explain: (request: ExplainRequest) => Effect.Effect<Explained, ExplainError | DbError>
}>()("@ems/db-core/optimizer/Explain") {
  static readonly layerNoDeps = () => Layer.effect(Explain, make)
}

/** What the statement is to blame for. The other reasons are the server's or the network's. */
const faults: Partial<Record<ReasonTag, Exclude<ExplainReason["_tag"], "ParameterCount">>> = {
  InvalidStatement: "InvalidStatement",
  InvalidData: "InvalidValue",
  InsufficientPrivilege: "NotPermitted",
  ReadOnly: "Writes",
  UniqueViolation: "Failed",
  ForeignKeyViolation: "Failed",
  CheckViolation: "Failed",
  NotNullViolation: "Failed",
  ExclusionViolation: "Failed",
  ServerError: "Failed"
}

/** `before` characters of ours stand in front of the statement. */
const blamed = (before: number | undefined) => (error: DbError): ExplainError | DbError => {
  const { fate, reason: { _tag: tag, position, sqlState } } = error
  const fault = faults[tag]
  const at = position === undefined || before === undefined ? undefined : position - before
  if (fault !== undefined) {
    return ExplainError.of({
      _tag: fault,
      ...(sqlState === undefined ? {} : { sqlState }),
      ...(at === undefined || at < 1 ? {} : { position: at })
    })
  }
  // The server's text may quote names out of the statement.
  return DbError.of(tag, fate, "explain", {
    message: "the statement could not be explained",
    ...(sqlState === undefined ? {} : { sqlState })
  })
}

const isJson = Schema.is(Schema.Json)

const milliseconds = (value: unknown): number | null => typeof value === "number" && value >= 0 ? value : null

interface Answer {
  readonly "Plan"?: unknown
  readonly "Planning Time"?: unknown
  readonly "Execution Time"?: unknown
}

/** The shape of EXPLAIN's answer is Postgres's; each member is checked where it is read. */
const answerOf = (explained: unknown): Answer | undefined =>
  Array.isArray(explained) ? explained[0] as Answer | undefined : undefined

let names = 0

const make = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const { statements, within } = yield* StatementRunner

  const ask = ({ analyze = false, parameters, sql, timeout = defaultTimeout }: ExplainRequest) =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* statements.quiet
      const { session } = connection
      yield* Effect.withFiber((fiber) => {
        const release = hold(fiber.getRef(CurrentBudget), session)
        return Effect.addFinalizer(() => Effect.sync(release))
      })
      // A function may leave a lock or a setting that no ROLLBACK takes back.
      if (analyze) session.isTainted = true
      const run = (statement: string) => connection.execute("arrays", statement, [], false)
      const undo = (statement: string) =>
        Effect.suspend(() => session.isLost ? Effect.void : Effect.ignore(run(statement)))
      const name = `ems_explain_${names++}`
      yield* run("BEGIN READ ONLY")
      yield* Effect.addFinalizer(() => undo("ROLLBACK"))
      yield* run(`SET LOCAL statement_timeout = ${timeout}`)
      yield* run(`SET LOCAL lock_timeout = ${Math.min(lockTimeout, timeout)}`)
      const isGeneric = parameters === undefined
      yield* run(`SET LOCAL plan_cache_mode = ${isGeneric ? "force_generic_plan" : "force_custom_plan"}`)
      const before = `PREPARE ${name} AS `
      yield* Effect.mapError(run(before + sql), blamed(before.length))
      // It outlives the transaction, and a failed transaction could not remove it.
      yield* run("SAVEPOINT explained")
      yield* Effect.addFinalizer(() =>
        Effect.andThen(undo("ROLLBACK TO SAVEPOINT explained"), undo(`DEALLOCATE ${name}`))
      )
      const [row] = yield* connection.rows<{ count: number }>(
        `select coalesce(cardinality(parameter_types), 0) as count from pg_prepared_statements where name = '${name}'`
      )
      const expected = row?.count ?? 0
      const given = parameters?.length ?? 0
      // Without values it can be planned, not run.
      if (isGeneric ? analyze && expected > 0 : given !== expected) {
        return yield* ExplainError.of({ _tag: "ParameterCount", expected, given })
      }
      const values = isGeneric
        ? Array.from({ length: expected }, () => "null")
        : parameters.map((value) => value === null ? "null" : literal(value))
      const options = analyze ? "ANALYZE, BUFFERS, FORMAT JSON" : "SUMMARY, FORMAT JSON"
      const rows = yield* Effect.mapError(
        run(`EXPLAIN (${options}) EXECUTE ${name}${expected === 0 ? "" : `(${values.join()})`}`),
        blamed(undefined)
      )
      return { explained: rows[0]?.[0], isGeneric: isGeneric && expected > 0 }
    }))

  return {
    explain: Effect.fn("Explain.explain")(function*(request: ExplainRequest) {
      const { explained, isGeneric } = yield* Effect.mapError(
        within(ask(request), (request.timeout ?? defaultTimeout) + overhead),
        (error) =>
          // The limit is the asker's, and may be one in which nothing can be planned.
          error._tag === "DbError" && error.reason._tag === "StatementTimeout"
            ? ExplainError.of({ _tag: "TookTooLong" })
            : error
      )
      const answer = answerOf(explained)
      const shape = planOf(explained, clock.currentTimeMillisUnsafe())?.shape
      const plan = answer?.Plan
      if (answer === undefined || shape === undefined || !isJson(plan)) {
        return yield* DbError.of("ProtocolViolation", "Refused", "explain", { message: "EXPLAIN gave no plan" })
      }
      return {
        plan,
        shape,
        isGeneric,
        planningMs: milliseconds(answer["Planning Time"]),
        executionMs: milliseconds(answer["Execution Time"])
      }
    })
  } satisfies Explain["Service"]
})
