/**
 * Who has a connection alone, and since when: what the leak detector reports.
 *
 * Nothing is computed when a connection is lent. The context of the fibre is kept, which costs a reference, and read
 * only when somebody asks.
 */
import * as Context from "effect/Context"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/** How many frames of the caller are named. */
const framesShown = 4

export class Holder {
  readonly since: number
  private readonly fiberId: number
  private readonly context: Context.Context<never>
  /** It was reported; once is enough. */
  isReported = false

  constructor(since: number, fiberId: number, context: Context.Context<never>) {
    this.since = since
    this.fiberId = fiberId
    this.context = context
  }

  /** The span that the caller is in and the functions (`Effect.fn`) that led there, or only its fibre. */
  get name(): string {
    const names: Array<string> = []
    const span = Context.getOrUndefined(this.context, Tracer.ParentSpan)
    if (span?._tag === "Span") names.push(`span ${span.name}`)
    let frame = Context.get(this.context, References.CurrentStackFrame)
    for (let shown = 0; frame !== undefined && shown < framesShown; shown++, frame = frame.parent) {
      if (frame.name !== "" && !names.includes(frame.name)) names.push(frame.name)
    }
    return [...names, `fiber #${this.fiberId}`].join(", ")
  }
}
