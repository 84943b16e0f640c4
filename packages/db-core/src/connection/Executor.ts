/**
 * Runs statements on the pool's lanes, and again where that is safe.
 *
 * - A statement of which nothing was sent is sent again.
 * - A read is sent again after its connection was lost. What is a read is not left to our parsing: a shared connection
 *   lets autocommit statements only read (`default_transaction_read_only`), so a function that writes is refused there
 *   and runs alone, once.
 * - Everything else is not sent twice.
 */
import type { Clock } from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { DbConfigShape } from "../config/DbConfig.ts"
import { type Budget, CurrentBudget, hold } from "../driver/Budget.ts"
import type { Capabilities } from "../driver/Capabilities.ts"
import { isShareable, LaneChoice, neverShare } from "../driver/Lane.ts"
import { forbidden, leavesState } from "../driver/PoolerRules.ts"
import type { Session } from "../driver/Session.ts"
import { none, type Settle, type StatementHooksShape } from "../driver/StatementHooks.ts"
import type { Found, Lanes, Statements } from "../driver/Statements.ts"
import { type Mode, WireConnection } from "../driver/WireConnection.ts"
import { DbError, isDbError } from "../errors/DbError.ts"
import { type CallSpan, type CallSpans, CurrentCall, isTraced } from "../telemetry/CallSpan.ts"
import * as Retries from "../telemetry/Retries.ts"
import { type Deadlines, fates } from "./Deadlines.ts"
import { again, reconnect, unsentAgain, wasLost, wasNotSent } from "./RetryPolicy.ts"
import { allow, enforce } from "./SessionDefaults.ts"
import * as Transactions from "./Transactions.ts"

/** It would be accepted, and do something else. */
const impossible = (what: string): DbError =>
  DbError.of("Unsupported", "NotSent", "query", {
    message: `${what} does not work through a pooler, which the URL names; Database.direct has a session of its own`
  })

/** A lone statement that may have written, and whose answer is lost. */
const uncertain = ({ reason }: DbError): DbError =>
  DbError.of("CommitUnknown", "Unknown", "query", {
    message: "the connection was lost before the answer; use Database.write for a write that can be resolved",
    ...(reason.sqlState === undefined ? {} : { sqlState: reason.sqlState })
  })

/** Operations before a connection has a statement. */
const neverHad: ReadonlySet<string> = new Set(["acquire", "connect"])

/** Work for `call`, which hears of its retries. */
const workFor = <A, E>(call: CallSpan | undefined, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  call === undefined ? work : Effect.provideService(work, CurrentCall, call)

/** `failed` hears of every failure that reaches a caller. */
export const make = (
  lanes: Lanes,
  { sessionState, startupOptions }: Capabilities,
  config: Pick<DbConfigShape, "commitResolveTimeout" | "queryTimeout">,
  deadlines: Deadlines,
  hooks: StatementHooksShape,
  failed: (error: DbError) => void,
  clock: Clock,
  spans: CallSpans,
  /** Whom to ask what became of an unanswered COMMIT: not a session that is lent for good. Default: these lanes. */
  witness?: Pick<Statements, "lease">
): Statements => {
  const Current = Transactions.makeCurrent()

  const tell = (sql: string, params: ReadonlyArray<unknown>) => (error: DbError): Effect.Effect<never, DbError> =>
    Effect.withFiber((fiber) => {
      failed(error)
      // What a connection had told of it already.
      if (neverHad.has(error.operation)) hooks.unsent(sql, params, fiber, error)
      return Effect.fail(error)
    })

  const sharing = new WeakMap<Session, WireConnection>()
  const sharedConnection = (session: Session): WireConnection => {
    let connection = sharing.get(session)
    if (connection === undefined) {
      connection = new WireConnection(session, session.connection, "shared", hooks, clock, deadlines)
      sharing.set(session, connection)
    }
    return connection
  }

  const leaseFor = (listeners: StatementHooksShape): Statements["lease"] =>
    Effect.flatMap(
      lanes.lease,
      (session) =>
        Effect.map(
          session.connection.pin,
          (wire) => {
            session.cancel = wire.interrupt
            return new WireConnection(session, wire, "exclusive", listeners, clock, deadlines)
          }
        )
    )
  const lease = leaseFor(hooks)

  /** A limit above the usual one has to be told to the server; below it the caller cancels before the server would. */
  const longer = (budget: Budget | undefined): number | undefined =>
    budget?.unusual !== undefined && budget.unusual > config.queryTimeout ? budget.unusual : undefined

  const alone = (mode: Mode, sql: string, params: ReadonlyArray<unknown>): Effect.Effect<Found, DbError> =>
    Effect.withFiber<Found, DbError>((fiber) => {
      const budget = fiber.getRef(CurrentBudget)
      const timeout = longer(budget)
      return Effect.scoped(Effect.flatMap(lease, (connection) => {
        const { session } = connection
        const release = hold(budget, session)
        const run = Effect.suspend(() => {
          if (budget !== undefined && budget.progress === "nothing") budget.progress = "sent"
          if (leavesState(sql)) session.isTainted = true
          return connection.execute(mode, sql, params)
        })
        const ready = session.access === "write" && (session.statementTimeout === timeout || !sessionState)
          ? run
          : Effect.andThen(
            sessionState
              ? Effect.andThen(enforce(connection, "write"), allow(connection, timeout, config.queryTimeout))
              : Effect.void,
            run
          )
        return Effect.onExitPrimitive(ready, () => {
          release()
          return undefined
        })
      }))
    }).pipe(Effect.mapError((error) => error.fate === "Unknown" ? uncertain(error) : error))

  const together = (
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    budget: Budget | undefined,
    until: number | undefined
  ): Effect.Effect<Found, DbError> =>
    lanes.shared((session) => {
      const connection = sharedConnection(session)
      if (budget !== undefined) {
        if (budget.progress === "nothing") budget.progress = "sent"
        budget.shared = session
        budget.heard = session.heard
      }
      const run = connection.execute(mode, sql, params, true, until)
      return (session.access === "read" && session.statementTimeout === undefined) || !sessionState
        ? run
        : Effect.andThen(
          Effect.andThen(
            enforce(connection, "read", until),
            allow(connection, undefined, config.queryTimeout, until)
          ),
          run
        )
    }, until)

  const aloneAgain = (mode: Mode, sql: string, params: ReadonlyArray<unknown>) =>
    Effect.catchIf(alone(mode, sql, params), wasNotSent, (error) =>
      // Built only after a failure: a retry around every statement would cost it a third of its speed.
      Effect.andThen(Retries.note(error, 0), Effect.retry(alone(mode, sql, params), unsentAgain)))

  // Behind a pooler the server's default is not ours to set, so a lost read is not known to be one.
  const mayReadAgain = sessionState ? (error: DbError) => wasNotSent(error) || wasLost(error) : wasNotSent
  const readAgain = again(reconnect, mayReadAgain)

  const togetherAgain = (
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    budget: Budget | undefined,
    call: CallSpan | undefined
  ) => {
    // A call without a budget has a deadline for each statement.
    const until = budget === undefined ? clock.currentTimeMillisUnsafe() + config.queryTimeout : undefined
    const left = () => until === undefined ? config.queryTimeout : Math.max(1, until - clock.currentTimeMillisUnsafe())
    return Effect.catch(together(mode, sql, params, budget, until), (error) => {
      if (error.reason._tag === "ReadOnly") {
        neverShare(sql)
        if (call !== undefined) call.lane = "exclusive"
        return Effect.andThen(
          workFor(call, Retries.note(error, 0)),
          aloneInTime(mode, sql, params, budget, call, left())
        )
      }
      if (!mayReadAgain(error)) return tell(sql, params)(error)
      const retried = workFor(
        call,
        Effect.andThen(
          Retries.note(error, 0),
          // The budget that the retries are given below hears how far they come.
          Effect.withFiber((fiber) =>
            Effect.retry(together(mode, sql, params, fiber.getRef(CurrentBudget), until), readAgain)
          )
        )
      )
      // The waits between the attempts have no alarm of their own.
      return Effect.catch(budget === undefined ? deadlines.within(retried, left()) : retried, tell(sql, params))
    })
  }

  const aloneInTime = (
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    budget: Budget | undefined,
    call: CallSpan | undefined,
    timeout = config.queryTimeout
  ): Effect.Effect<Found, DbError> => {
    let settle: Settle | undefined
    const run = Effect.onExitPrimitive(
      // Inside, so that whatever comes in between, what began is settled.
      Effect.suspend(() => {
        settle = hooks.writing(sql)
        return workFor(call, aloneAgain(mode, sql, params))
      }),
      () => {
        settle?.()
        return undefined
      }
    )
    return Effect.catch(budget === undefined ? deadlines.within(run, timeout) : run, tell(sql, params))
  }

  /** What the caller was told whose work only ends now, if its deadline passed. */
  const late = (budget: Budget | undefined): DbError | undefined =>
    budget?.isOver === true && clock.currentTimeMillisUnsafe() >= budget.at
      ? DbError.of("DeadlineExceeded", fates[budget.progress], "query", { message: "the caller is gone" })
      : undefined

  const dispatch = (
    transaction: Transactions.CurrentTransaction | undefined,
    isShared: boolean,
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    budget: Budget | undefined,
    call: CallSpan | undefined
  ): Effect.Effect<Found, DbError> =>
    transaction !== undefined
      ? transaction.connection.execute(mode, sql, params)
      : isShared
      ? togetherAgain(mode, sql, params, budget, call)
      : aloneInTime(mode, sql, params, budget, call)

  /** A function of its own: what its closures hold would be allocated for statements without a span, too. */
  const observed = (
    fiber: Fiber.Fiber<unknown, unknown>,
    transaction: Transactions.CurrentTransaction | undefined,
    isShared: boolean,
    mode: Mode,
    sql: string,
    params: ReadonlyArray<unknown>,
    budget: Budget | undefined
  ): Effect.Effect<Found, DbError> =>
    spans.statement(
      fiber,
      sql,
      isShared ? "shared" : "exclusive",
      (call) => dispatch(transaction, isShared, mode, sql, params, budget, call),
      () => late(budget)
    )

  const execute: Statements["execute"] = (mode, sql, params) =>
    Effect.withFiber((fiber) => {
      const what = sessionState ? undefined : forbidden(sql)
      if (what !== undefined) return tell(sql, params)(impossible(what))
      const transaction = Context.getOrUndefined(fiber.context, Current)
      if (transaction !== undefined) {
        transaction.hooks.statement(sql)
        if (leavesState(sql)) transaction.connection.session.isTainted = true
      }
      const budget = fiber.getRef(CurrentBudget)
      const isShared = transaction === undefined && fiber.getRef(LaneChoice) === "auto" && isShareable(sql) &&
        longer(budget) === undefined
      return isTraced(fiber)
        ? observed(fiber, transaction, isShared, mode, sql, params, budget)
        : dispatch(transaction, isShared, mode, sql, params, budget, undefined)
    })

  /** The last context that was in no transaction: those who ask often ask in the same one, and contexts never change. */
  let outside: Context.Context<never> | undefined

  const statements: Statements = {
    execute,
    lease,
    quiet: leaseFor(none),
    current: ({ context }) => {
      if (context === outside) return undefined
      const transaction = Context.getOrUndefined(context, Current)
      if (transaction === undefined) outside = context
      return transaction?.connection
    },
    transaction: (body) =>
      Effect.withFiber((fiber) => {
        const run = transaction(body)
        const told = Effect.mapError(
          fiber.getRef(CurrentBudget) === undefined ? deadlines.within(run, config.queryTimeout) : run,
          (error) => {
            if (isDbError(error)) failed(error)
            return error
          }
        )
        if (!isTraced(fiber)) return told
        if (Context.getOrUndefined(fiber.context, Current) !== undefined) {
          return spans.call(fiber, "savepoint", told)
        }
        // Whoever runs all of it again has the span for all of it.
        return fiber.getRef(CurrentCall) === undefined ? spans.call(fiber, "transaction", told) : told
      })
  }
  const transaction = Transactions.make(
    statements,
    witness ?? statements,
    hooks,
    { ...config, sessionTimeout: startupOptions },
    Current
  )
  return statements
}
