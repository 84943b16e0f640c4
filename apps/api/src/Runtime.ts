/** The only bridge from Effect to HTTP. */
import type { AccessError } from "@ems/access/AccessError"
import { Authentication } from "@ems/access/Authentication"
import type { Principal } from "@ems/access/Principal"
import { DbError } from "@ems/db-core/errors/DbError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { type Failure, kindOf } from "./http/Failure.ts"
import * as Problem from "./http/Problem.ts"
import { describe } from "./http/Redaction.ts"
import * as RequestInfo from "./http/RequestInfo.ts"
import { RequestsInFlight } from "./limits/RequestsInFlight.ts"
import type { Services } from "./Services.ts"
import * as RequestSpan from "./telemetry/RequestSpan.ts"

/** `timeout` in milliseconds, without it the database's own. */
export type Authenticate = (
  bearer: string,
  request: Request,
  timeout?: number
) => Promise<Principal | AccessError | DbError>

export interface RespondOptions {
  /** What it may take. Milliseconds, by default the setting's. */
  readonly timeout?: number
  /** Asks how the process is: is answered also when it is asked too much. */
  readonly isProbe?: boolean
}

export interface Runtime {
  /**
   * Runs `effect` for `request`; interrupts it when the client goes away, and when it takes too long. What it fails with
   * becomes a problem, so the promise never rejects: a rejection could pass Elysia's error hook by.
   */
  readonly respond: <A>(
    effect: Effect.Effect<A, Failure, Services>,
    request: Request,
    options?: RespondOptions
  ) => Promise<A> | Promise<Response>
  /** Runs what comes before a route. Rejects with its failure, which the error hook answers. */
  readonly settle: <A>(effect: Effect.Effect<A, Failure, Services>, request: Request) => Promise<A>
  /** What `effect` gives without waiting for anything: no promise is made. For what is asked often and known already. */
  readonly now: <A>(effect: Effect.Effect<A, never, Services>) => A
  /** Finds out whose token this is; with an error where it is nobody's, or nobody could say. */
  readonly authenticate: Authenticate
  /** The answer to an error that no route expected: constant text for the client, where it came from in the log. */
  readonly refuse: (error: unknown, request: Request) => Response
  /** Runs a log effect on its own. */
  readonly log: (line: Effect.Effect<void>) => void
  /** Lines for people who develop are wanted. */
  readonly isDebug: boolean
}

export const make = (context: Context.Context<Services>): Runtime => {
  const runExit = Effect.runPromiseExitWith(context)
  const fork = Effect.runForkWith(context)
  const inFlight = Context.get(context, RequestsInFlight)
  const spans = RequestSpan.make(context)

  /** With the request's span above what it does, where somebody collects spans. */
  const traced = <A, E, R>(effect: Effect.Effect<A, E, R>, request: Request): Effect.Effect<A, E, R> => {
    const span = spans.of(request)
    return span === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, span)
  }

  const log: Runtime["log"] = (line) => {
    fork(line)
  }

  const refuse: Runtime["refuse"] = (error, request) => {
    const { id } = RequestInfo.of(request)
    log(Effect.logError("request failed").pipe(Effect.annotateLogs({ requestId: id, ...describe(error) })))
    return Problem.toResponse({ status: 500 }, request)
  }

  const refuseFailure = (error: Failure, request: Request): Response => {
    const problem = kindOf(error, request)
    // What a route refused is its answer, and no failure.
    const level = problem.status < 500 || error._tag === "Refused"
      ? Effect.logDebug
      : problem.status === 500
      ? Effect.logError
      : Effect.logWarning
    const { id } = RequestInfo.of(request)
    log(
      level("request failed").pipe(
        Effect.annotateLogs({ requestId: id, status: problem.status, ...describe(error) })
      )
    )
    return Problem.toResponse(problem, request)
  }

  const answer = <A>(exit: Exit.Exit<A, Failure>, request: Request, hasExpired: boolean): A | Response => {
    if (Exit.isSuccess(exit)) return exit.value
    if (Cause.hasInterruptsOnly(exit.cause)) {
      if (request.signal.aborted) return Problem.toResponse(Problem.clientGone, request)
      // One of too many, or one that asked too much.
      const why = !hasExpired ? Problem.stopping : inFlight.isFull() ? Problem.busy : Problem.tookTooLong
      return Problem.toResponse(Problem.interrupted(why, request), request)
    }
    return Option.match(Exit.findErrorOption(exit), {
      onSome: (error) => refuseFailure(error, request),
      onNone: () => refuse(Cause.squash(exit.cause), request)
    })
  }

  const respond: Runtime["respond"] = <A>(
    effect: Effect.Effect<A, Failure, Services>,
    request: Request,
    { isProbe = false, timeout }: RespondOptions = {}
  ) => {
    if (!isProbe && inFlight.isFull()) return Promise.resolve(Problem.toResponse(Problem.busy, request))
    const fiber = fork(traced(Effect.annotateLogs(effect, { requestId: RequestInfo.of(request).id }), request), {
      signal: request.signal
    })
    const entry = inFlight.add(fiber, timeout)
    // Elysia's handler type takes a promise of the one or of the other, not of the union.
    return new Promise<A | Response>((resolve) =>
      fiber.addObserver((exit) => {
        inFlight.remove(entry)
        resolve(answer(exit, request, entry.hasExpired))
      })
    ) as Promise<A> | Promise<Response>
  }

  const authenticate: Authenticate = (bearer, request, timeout) => {
    const asked = Authentication.use((service) => service.authenticate(bearer))
    const limited = timeout === undefined ? asked : Effect.timeoutOrElse(asked, {
      duration: timeout,
      orElse: () => DbError.of("DeadlineExceeded", "NotSent", "query", { message: "nobody could say in time" })
    })
    return runExit(traced(limited, request), { signal: request.signal }).then((exit) =>
      Exit.isSuccess(exit)
        ? exit.value
        : Option.getOrElse(
          Exit.findErrorOption(exit),
          // Interrupted with its client, or a mistake of ours: in either case nobody was let in.
          () => DbError.of("Cancelled", "NotSent", "query", { message: "authentication was interrupted" })
        )
    )
  }

  return {
    respond,
    now: Effect.runSyncWith(context),
    settle: (effect, request) => Effect.runPromiseWith(context)(effect, { signal: request.signal }),
    authenticate,
    refuse,
    log,
    isDebug: LogLevel.isLessThanOrEqualTo(Context.get(context, References.MinimumLogLevel), "Debug")
  }
}
