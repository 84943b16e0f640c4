/**
 * How long statements take, as OpenTelemetry's `db.client.operation.duration`: by operation and kind of failure, and
 * by nothing that has more values than there are words in SQL.
 */
import type { Context } from "effect/Context"
import type { ReasonTag } from "../errors/SqlState.ts"
import { DurationHistogram } from "./DurationHistogram.ts"
import * as PublishedMetric from "./PublishedMetric.ts"

/** In seconds. Source: OpenTelemetry semantic conventions, `db.client.operation.duration`. */
export const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const

/** One operation with one outcome. */
export class OperationDuration extends DurationHistogram {
  constructor() {
    super(boundaries)
  }
}

export class OperationDurations {
  private readonly namespace: string
  private readonly context: Context<never>
  private readonly series = new Map<string, OperationDuration>()
  private readonly registrations: Array<() => void> = []

  /** Of the database called `namespace`, in the registry of `context`. */
  constructor(namespace: string, context: Context<never>) {
    this.namespace = namespace
    this.context = context
  }

  /** Made when it is first asked for. */
  of(operation: string | undefined, error: ReasonTag | undefined): OperationDuration {
    const key = `${operation} ${error}`
    let found = this.series.get(key)
    if (found === undefined) {
      const made = new OperationDuration()
      const attributes = {
        "db.system.name": "postgresql",
        "db.namespace": this.namespace,
        ...(operation === undefined ? {} : { "db.operation.name": operation }),
        ...(error === undefined ? {} : { "error.type": error }),
        unit: "s"
      }
      this.registrations.push(PublishedMetric.histogram(
        this.context,
        "db.client.operation.duration",
        boundaries,
        { description: "duration of statements", attributes },
        () => made
      ))
      this.series.set(key, found = made)
    }
    return found
  }

  close(): void {
    for (const unregister of this.registrations) unregister()
  }
}
