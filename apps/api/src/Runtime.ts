/** The only bridge from Effect to HTTP. */
import type { DbCore } from "@ems/db-core/DbCore"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Problem from "./http/Problem.ts"
import { describe } from "./http/Redaction.ts"
import * as RequestInfo from "./http/RequestInfo.ts"

export interface Runtime {
  /**
   * Runs `effect` for `request`; interrupts it when the client goes away. What it fails with becomes a problem, so
   * the promise never rejects: a rejection could pass Elysia's error hook by.
   */
  readonly respond: <A>(
    effect: Effect.Effect<A, DbError, DbCore>,
    request: Request
  ) => Promise<A> | Promise<Response>
  /** The answer to an error that no route expected: constant text for the client, where it came from in the log. */
  readonly refuse: (error: unknown, request: Request) => Response
  /** Runs a log effect on its own. */
  readonly log: (line: Effect.Effect<void>) => void
}

export const make = (managed: ManagedRuntime.ManagedRuntime<DbCore, unknown>): Runtime => {
  const log: Runtime["log"] = (line) => {
    managed.runFork(line)
  }

  const refuse: Runtime["refuse"] = (error, request) => {
    const { id } = RequestInfo.of(request)
    log(Effect.logError("request failed").pipe(Effect.annotateLogs({ requestId: id, ...describe(error) })))
    return Problem.toResponse({ status: 500 }, request)
  }

  const refuseDbError = (error: DbError, request: Request): Response => {
    const problem = Problem.ofDbError(error, request)
    const level = problem.status < 500 ? Effect.logDebug : problem.status === 500 ? Effect.logError : Effect.logWarning
    const { id } = RequestInfo.of(request)
    log(
      level("request failed").pipe(
        Effect.annotateLogs({ requestId: id, status: problem.status, ...describe(error) })
      )
    )
    return Problem.toResponse(problem, request)
  }

  const respond: Runtime["respond"] = <A>(effect: Effect.Effect<A, DbError, DbCore>, request: Request) =>
    // Elysia's handler type takes a promise of the one or of the other, not of the union.
    managed.runPromiseExit(
      Effect.annotateLogs(effect, { requestId: RequestInfo.of(request).id }),
      { signal: request.signal }
    ).then((exit) => {
      if (Exit.isSuccess(exit)) return exit.value
      if (Cause.hasInterruptsOnly(exit.cause)) {
        return Problem.toResponse(request.signal.aborted ? Problem.clientGone : Problem.stopping, request)
      }
      return Option.match(Exit.findErrorOption(exit), {
        // The runtime's own error is a failed layer, which is nobody's request.
        onSome: (error) => isDbError(error) ? refuseDbError(error, request) : refuse(error, request),
        onNone: () => refuse(Cause.squash(exit.cause), request)
      })
    }, (error: unknown) => refuse(error, request)) as Promise<A> | Promise<Response>

  return { respond, refuse, log }
}
