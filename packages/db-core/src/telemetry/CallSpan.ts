/**
 * One client span for each call to the database, by OpenTelemetry's conventions for databases. Nothing of a statement's
 * literals, parameters and rows gets in: not its text, and not what a caller's own failure says.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { type DbError, isDbError } from "../errors/DbError.ts"
import { summarize } from "./QuerySummary.ts"

/** `shared`: on a connection with other callers' reads. `exclusive`: alone on one. */
type Lane = "shared" | "exclusive"

/** What an exporter writes of a failure: its kind, and no text of anybody's. */
interface SpanFailure {
  readonly name: string
  readonly message: string
}

/** Failed by the caller's own code, inside a transaction: what that says may hold anything. */
const callersOwn: SpanFailure = { name: "Error", message: "the caller's own failure" }

const interrupted = Exit.interrupt()

/** The span of one call, and how often it was tried. */
export class CallSpan {
  private readonly span: Tracer.Span
  private attempts = 1
  private lastReason: string | undefined = undefined
  lane: Lane

  constructor(span: Tracer.Span, lane: Lane) {
    this.span = span
    this.lane = lane
  }

  /** It failed with `error` and is tried again in `wait` milliseconds. */
  retried(error: DbError, wait: number, now: bigint): void {
    this.attempts++
    this.lastReason = error.reason._tag
    this.span.event("retry", now, {
      "ems.retry.attempt": this.attempts,
      "ems.retry.reason": this.lastReason,
      "ems.retry.wait_ms": Math.round(wait)
    })
  }

  /** Ends it with what the caller is told. `rows` is left out where none can be returned. */
  end(exit: Exit.Exit<unknown, unknown>, now: bigint, rows?: number): void {
    const { span } = this
    span.attribute("ems.lane", this.lane)
    if (exit._tag === "Success") {
      if (rows !== undefined) span.attribute("db.response.returned_rows", rows)
      if (this.attempts > 1) this.tellAttempts()
      // Not with the exit itself, which holds rows.
      return span.end(now, Exit.void)
    }
    this.tellAttempts()
    if (Cause.hasInterruptsOnly(exit.cause)) return span.end(now, interrupted)
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    if (!isDbError(error)) {
      span.attribute("error.type", "_OTHER")
      return span.end(now, Exit.fail(callersOwn))
    }
    const { _tag, sqlState } = error.reason
    span.attribute("error.type", _tag)
    span.attribute("ems.fate", error.fate)
    if (sqlState !== undefined) span.attribute("db.response.status_code", sqlState)
    const failure: SpanFailure = {
      name: "DbError",
      message: sqlState === undefined ? _tag : `${_tag} [${sqlState}]`
    }
    span.end(now, Exit.fail(failure))
  }

  private tellAttempts(): void {
    this.span.attribute("ems.attempts", this.attempts)
    if (this.lastReason !== undefined) this.span.attribute("ems.retry.reason", this.lastReason)
  }
}

/** The call that a fibre works for. Set where it is tried again, and inside transactions. */
export const CurrentCall = Context.Reference<CallSpan | undefined>("@ems/db-core/telemetry/CallSpan/CurrentCall", {
  defaultValue: () => undefined
})

/** Whether anybody collects spans. Effect's own tracer keeps them to itself, and what they cost with them. */
export const isTraced = ({ cache: { tracer, tracerEnabled } }: Fiber.Fiber<unknown, unknown>): boolean =>
  tracer !== undefined && tracer !== Tracer.nativeTracer && tracerEnabled

/** Statements remembered: as many as lanes are remembered of, see `driver/Lane.ts`. */
const remembered = 2048

/** Texts longer than this are mostly values, and would fill memory. */
const rememberedLength = 8192

const rowsOf = (found: { readonly length: number } | { readonly rows: ReadonlyArray<unknown> }): number =>
  "rows" in found ? found.rows.length : found.length

export interface CallSpans {
  /** Runs one statement in a span. `late` says what the caller was told meanwhile, if it was told something. */
  readonly statement: <A extends { readonly length: number } | { readonly rows: ReadonlyArray<unknown> }>(
    fiber: Fiber.Fiber<unknown, unknown>,
    sql: string,
    lane: Lane,
    run: (call: CallSpan) => Effect.Effect<A, DbError>,
    late: () => DbError | undefined
  ) => Effect.Effect<A, DbError>
  /** Runs several in a span that is the parent of theirs. */
  readonly call: <A, E, R>(
    fiber: Fiber.Fiber<unknown, unknown>,
    name: "transaction" | "savepoint" | "write",
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
}

interface Named {
  readonly name: string
  readonly attributes: ReadonlyArray<readonly [key: string, value: string]>
}

/** As `Effect.makeSpan` does it, which for each span takes an object of options apart and runs two effects more. */
const begin = (fiber: Fiber.Fiber<unknown, unknown>, { attributes, name }: Named, now: bigint): Tracer.Span => {
  const { span: outer, tracer } = fiber.cache
  const parent = propagating(outer)
  // Callers ask `isTraced` first.
  const span = tracer!.span({
    name,
    parent: parent === undefined ? Option.none() : Option.some(parent),
    annotations: Context.empty(),
    links: fiber.getRef(References.TracerSpanLinks).slice(),
    startTime: now,
    kind: "client",
    root: false,
    sampled: parent?.sampled !== false &&
      !LogLevel.isGreaterThan(fiber.getRef(Tracer.MinimumTraceLevel), fiber.getRef(Tracer.CurrentTraceLevel))
  })
  for (const [key, value] of attributes) span.attribute(key, value)
  const annotations = fiber.getRef(References.TracerSpanAnnotations)
  for (const key in annotations) span.attribute(key, annotations[key])
  return span
}

/** The nearest span above that others may see. */
const propagating = (span: Tracer.AnySpan | undefined): Tracer.AnySpan | undefined => {
  let found = span
  while (found !== undefined && Context.get(found.annotations, Tracer.DisablePropagation)) {
    found = found._tag === "Span" ? Option.getOrUndefined(found.parent) : undefined
  }
  return found
}

/** Spans of calls to the database called `namespace`. Only for fibres that are traced: see `isTraced`. */
export const make = (namespace: string, clock: Clock.Clock): CallSpans => {
  const named = (operation: string | undefined, summary: string | undefined): Named => ({
    name: summary ?? "postgresql",
    attributes: [
      ["db.system.name", "postgresql"],
      ["db.namespace", namespace],
      ...(operation === undefined ? [] : [["db.operation.name", operation] as const]),
      ...(summary === undefined ? [] : [["db.query.summary", summary] as const])
    ]
  })

  const names = new Map<string, Named>()
  const nameOf = (sql: string): Named => {
    let known = names.get(sql)
    if (known === undefined) {
      const { operation, summary } = summarize(sql)
      known = named(operation, summary)
      if (names.size >= remembered) names.clear()
      if (sql.length <= rememberedLength) names.set(sql, known)
    }
    return known
  }

  const groups = {
    transaction: named("transaction", "transaction"),
    savepoint: named("savepoint", "savepoint"),
    write: named("write", "write")
  }

  return {
    statement: (fiber, sql, lane, run, late) => {
      const call = new CallSpan(begin(fiber, nameOf(sql), clock.currentTimeNanosUnsafe()), lane)
      return Effect.onExitPrimitive(run(call), (exit) => {
        const told = late()
        const now = clock.currentTimeNanosUnsafe()
        if (told !== undefined) call.end(Exit.fail(told), now)
        else call.end(exit, now, exit._tag === "Success" ? rowsOf(exit.value) : undefined)
        return undefined
      })
    },
    call: (fiber, group, effect) => {
      const span = begin(fiber, groups[group], clock.currentTimeNanosUnsafe())
      const call = new CallSpan(span, "exclusive")
      return Effect.onExitPrimitive(
        Effect.provideService(Effect.provideService(effect, CurrentCall, call), Tracer.ParentSpan, span),
        (exit) => {
          call.end(exit, clock.currentTimeNanosUnsafe())
          return undefined
        }
      )
    }
  }
}
