/**
 * Transactions whose outcome is known: BEGIN, the body, COMMIT with its fate resolved, ROLLBACK; savepoints inside.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { CommittedXids, CurrentBudget, hold, type Progress, timeoutSetting } from "../driver/Budget.ts"
import type { Settle, StatementHooksShape, TransactionHooks } from "../driver/StatementHooks.ts"
import type { Statements } from "../driver/Statements.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import { DbError } from "../errors/DbError.ts"
import * as CommitResolver from "./CommitResolver.ts"
import { unsentAgain } from "./RetryPolicy.ts"

/** The transaction that a fibre is in. */
export interface CurrentTransaction {
  readonly connection: WireConnection
  /** 0 for the transaction itself, 1 for a savepoint in it, … */
  readonly depth: number
  readonly hooks: TransactionHooks
  /** Savepoints nest: of two fibres that open one at the same level, one waits. */
  readonly nesting: Semaphore.Semaphore
}

let tags = 0

/**
 * A tag for the transaction that a fibre is in, one for each data layer: with a common one a second database, used
 * inside a transaction of the first, would run its statements there.
 */
export const makeCurrent = () =>
  Context.Service<CurrentTransaction>(`@ems/db-core/connection/Transactions/Current/${tags++}`)

export type Current = ReturnType<typeof makeCurrent>

const control = (connection: WireConnection, sql: string): Effect.Effect<void, DbError> =>
  Effect.asVoid(connection.execute("raw", sql, []))

/** The same failure, of a statement that certainly had no effect. */
const as = (error: DbError, fate: DbError["fate"], operation: string): DbError =>
  DbError.of(error.reason._tag, fate, operation, error.reason)

/** Nothing to undo on a lost connection; and if undoing fails the pool finds the transaction open and drops it. */
const undo = (connection: WireConnection, sql: string): Effect.Effect<void> =>
  connection.session.isLost ? Effect.void : Effect.ignore(control(connection, sql))

const lostBeforeCommit = (connection: WireConnection): DbError => {
  const { lastWords } = connection.session
  return DbError.of("ConnectionLost", "RolledBack", "commit", {
    message: "the connection was lost before COMMIT was sent",
    ...(lastWords === undefined ? {} : { sqlState: lastWords.code })
  })
}

const progress = (to: Progress): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const budget = fiber.getRef(CurrentBudget)
    if (budget !== undefined) budget.progress = to
    return Effect.void
  })

/** The last step before COMMIT: a caller who was told that it is rolled back must be right. */
const claimCommit: Effect.Effect<void, DbError> = Effect.withFiber((fiber) => {
  const budget = fiber.getRef(CurrentBudget)
  if (budget?.isOver === true) {
    return Effect.fail(DbError.of("DeadlineExceeded", "RolledBack", "commit", { message: "the caller is gone" }))
  }
  if (budget !== undefined) budget.progress = "commit"
  return Effect.void
})

/** Tells whoever asked which transaction it was. */
const committed = (xid: string | undefined): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    if (xid !== undefined) fiber.getRef(CommittedXids)?.push(xid)
    return Effect.void
  })

/** Ends in success exactly when the transaction took effect, or had nothing to take effect. */
const commit = (
  witness: Pick<Statements, "lease">,
  connection: WireConnection,
  listeners: TransactionHooks,
  resolveWithin: number
): Effect.Effect<void, DbError> => {
  let settle: Settle | undefined
  const run = Effect.gen(function*() {
    const { session } = connection
    if (session.isLost) return yield* lostBeforeCommit(connection)
    const marker = session.status === "T"
      ? yield* Effect.mapError(CommitResolver.mark(connection), (error) => as(error, "RolledBack", "commit"))
      : undefined
    session.expectCommit()
    const { bytesWritten } = session
    yield* claimCommit
    const xid = marker?.xid
    if (xid !== undefined) settle = listeners.committing()
    // Not by a prepared name: when that is refused with 0A000 or 26000, which a deferred trigger may raise as well, the
    // wire client sends the statement again. A second COMMIT succeeds, with nothing left to commit.
    const exit = yield* Effect.exit(connection.execute("raw", "COMMIT", [], false))
    if (Exit.isSuccess(exit)) {
      if (exit.value.command !== "ROLLBACK") return yield* committed(xid)
      return yield* DbError.of("CommitRolledBack", "RolledBack", "commit", {
        message: "the transaction had failed, so COMMIT rolled it back"
      })
    }
    const found = Exit.findErrorOption(exit)
    if (found._tag === "None") return yield* Effect.failCause(exit.cause as Cause.Cause<never>)
    const error = found.value
    // Answered, and then the connection died.
    if (session.sawCommit) return yield* committed(xid)
    if (error.fate === "Refused" || session.bytesWritten === bytesWritten) {
      return yield* as(error, "RolledBack", "commit")
    }
    // A failed transaction, which COMMIT could only end.
    if (marker === undefined) return yield* as(error, "RolledBack", "commit")
    if (xid === undefined) return
    // Its place in the pool is needed to ask.
    yield* session.destroy
    const outcome = yield* CommitResolver.resolve(witness, { ...marker, xid }, resolveWithin)
    if (outcome === "committed") return yield* committed(xid)
    if (outcome === "aborted") return yield* as(error, "RolledBack", "commit")
    return yield* DbError.of("CommitUnknown", "Unknown", "commit", {
      message:
        "the connection was lost while COMMIT was under way, and the server could not be asked what became of it",
      ...(error.reason.sqlState === undefined ? {} : { sqlState: error.reason.sqlState })
    })
  })
  return Effect.onExitPrimitive(run, () => {
    settle?.()
    return undefined
  })
}

export interface TransactionSettings {
  /** How long to ask what became of an unanswered COMMIT. Milliseconds. */
  readonly commitResolveTimeout: number
  /** The usual limit of a call. Milliseconds. */
  readonly queryTimeout: number
  /** Whether sessions were opened with that limit. */
  readonly sessionTimeout: boolean
}

/** BEGIN on a connection of its own; tried again while nothing was done. */
const begin = (
  statements: Statements,
  scope: Scope.Closeable,
  settings: TransactionSettings
): Effect.Effect<WireConnection, DbError> =>
  Effect.gen(function*() {
    const budget = yield* CurrentBudget
    // What the server has to be told when it is not the session's own limit.
    const limit = budget?.unusual ?? (settings.sessionTimeout ? undefined : settings.queryTimeout)
    // A scope for each attempt: the connection of one that failed goes back at once.
    const lease = yield* Scope.fork(scope)
    return yield* Effect.gen(function*() {
      const connection = yield* Scope.provide(statements.lease, lease)
      const release = hold(budget, connection.session)
      yield* Scope.addFinalizer(lease, Effect.sync(release))
      yield* Effect.mapError(
        control(connection, connection.session.access === "write" ? "BEGIN" : "BEGIN READ WRITE"),
        // Whatever became of BEGIN, it had no effect.
        (error) => error.fate === "Refused" ? error : as(error, "NotSent", "transaction")
      )
      yield* progress("transaction")
      if (limit !== undefined) {
        yield* control(connection, `SET LOCAL statement_timeout = ${timeoutSetting(limit)}`)
      }
      return connection
    }).pipe(Effect.onError((cause) => Scope.close(lease, Exit.failCause(cause))))
  }).pipe(Effect.retry(unsentAgain))

const savepoint = <A, E, R>(
  Current: Current,
  { connection, depth, hooks, nesting }: CurrentTransaction,
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | DbError, R> => {
  const name = `ems_${depth + 1}`
  return nesting.withPermit(
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(control(connection, `SAVEPOINT ${name}`), () =>
        Effect.onExit(
          restore(Effect.provideService(body, Current, {
            connection,
            depth: depth + 1,
            hooks,
            nesting: Semaphore.makeUnsafe(1)
          })),
          (exit) =>
            Exit.isSuccess(exit)
              ? control(connection, `RELEASE SAVEPOINT ${name}`)
              : undo(connection, `ROLLBACK TO SAVEPOINT ${name}`).pipe(
                Effect.andThen(undo(connection, `RELEASE SAVEPOINT ${name}`))
              )
        ))
    )
  )
}

export const make = (
  statements: Statements,
  witness: Pick<Statements, "lease">,
  hooks: StatementHooksShape,
  settings: TransactionSettings,
  Current: Current
): Statements["transaction"] =>
(body) =>
  Effect.withFiber((fiber) => {
    const outer = Context.getOrUndefined(fiber.context, Current)
    if (outer !== undefined) return savepoint(Current, outer, body)
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Scope.make(),
        (scope) =>
          Effect.flatMap(restore(begin(statements, scope, settings)), (connection) => {
            const listeners = hooks.transaction()
            return Effect.onExit(
              restore(
                Effect.provideService(body, Current, {
                  connection,
                  depth: 0,
                  hooks: listeners,
                  nesting: Semaphore.makeUnsafe(1)
                })
              ),
              (exit) =>
                Exit.isSuccess(exit)
                  ? commit(witness, connection, listeners, settings.commitResolveTimeout)
                  // An interrupted connection is not handed on: dropping it rolls back.
                  : Exit.hasInterrupts(exit)
                  ? Effect.void
                  : undo(connection, "ROLLBACK")
            )
          }).pipe(Effect.onExit((exit) => Scope.close(scope, exit)))
      )
    )
  })
