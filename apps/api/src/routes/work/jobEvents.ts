/**
 * `GET /api/db/maintenance/jobs/:id/events`: how far a job is, as it changes, until it ends.
 *
 * An event's id is made of what it says, not counted: twice the elapsed milliseconds, plus one for the last event. So a
 * client may go on at any process that can read the job's record.
 */
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import type { Progress } from "@ems/db-core/maintenance/Progress"
import { MaintenanceProgress } from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { type Event, EventStreams, lastSeen } from "../../http/EventStream.ts"
import type { Runtime } from "../../Runtime.ts"
import { JobPath } from "./jobs.ts"

const encode = Schema.encodeSync(MaintenanceProgress)

const isLast = (id: number): boolean => id % 2 === 1

/** The events that `seen` does not cover. The last one always comes, whatever was written down last before it. */
export const eventsAfter = (seen: number) => {
  let latest = seen
  return (progress: Progress): Result.Result<Event, void> => {
    const at = 2 * Math.max(0, Math.round(progress.elapsedMs))
    const isRunning = progress.status === "running"
    if (isRunning && at <= latest) return Result.failVoid
    const id = isRunning ? at : Math.max(at + 1, latest + (isLast(latest) ? 2 : 1))
    latest = id
    return Result.succeed({ id, event: isRunning ? "progress" : progress.status, data: encode(progress) })
  }
}

export const jobEvents = ({ respond }: Pick<Runtime, "respond">, streams = new EventStreams()) =>
  new Elysia().get("/api/db/maintenance/jobs/:id/events", ({ params: { id }, request }) =>
    respond(
      Effect.gen(function*() {
        const { job, progress } = yield* Maintenance
        // Before the head is sent: of a job that is not there the client gets a problem.
        yield* job(id)
        const seen = lastSeen(request)
        // A client that knows the end is told not to come back: 204 is what stops an EventSource.
        if (seen >= 0 && isLast(seen)) return new Response(null, { status: 204 })
        const eventOf = eventsAfter(seen)
        const events = Stream.filterMap(progress(id), eventOf)
        return yield* streams.respond(events, request)
      }),
      request
    ), {
    params: Contract.request(JobPath),
    detail: only("viewer", "database:read", {
      summary: "Progress of a job as Server-Sent Events",
      description: "text/event-stream of `progress` events and one `done`, `failed` or `cancelled`, each with the " +
        "job's progress as JSON; ends with the job. Resumes after Last-Event-ID, at any process; 204 when that was the " +
        "last one.",
      tags: ["maintenance"]
    })
  })
