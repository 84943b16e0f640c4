/** `GET /api/events` and `GET /api/events/:id`: the events, from the cache where that is right. */
import { EventCatalog } from "@ems/events/EventCatalog"
import * as Cursor from "@ems/events/EventCursor"
import { Event, EventId, Events, EventsQuery } from "@ems/schema/contract/Events"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { only } from "../http/Access.ts"
import * as Contract from "../http/Contract.ts"
import { Refused } from "../http/Failure.ts"
import type { Runtime } from "../Runtime.ts"

const missing = new Refused({ kind: { status: 404, detail: "There is no such event." } })
const noPosition = new Refused({ kind: { status: 422, detail: "after is not what next of another page was." } })

const find = (id: string) =>
  EventCatalog.use((catalog) =>
    Effect.flatMap(catalog.find(id), (event) => event === undefined ? Effect.fail(missing) : Effect.succeed(event))
  )

const list = ({ after, limit, status }: typeof EventsQuery.Type) =>
  Effect.gen(function*() {
    const position = after === undefined ? undefined : Cursor.parse(after)
    if (after !== undefined && position === undefined) return yield* noPosition
    return yield* EventCatalog.use((catalog) => catalog.list({ limit, status, after: position }))
  })

export const events = ({ respond }: Pick<Runtime, "respond">, catalog: EventCatalog["Service"]) =>
  new Elysia()
    .get("/api/events", ({ query, request }) => respond(list(query), request), {
      query: Contract.request(EventsQuery),
      response: { 200: Contract.response(Events) },
      detail: only("viewer", "events:read", {
        summary: "Events in the order of their dates",
        tags: ["events"]
      })
    })
    .get(
      "/api/events/:id",
      // What is in memory is answered without a fibre.
      ({ params: { id }, request }) => catalog.tryFind(id) ?? respond(find(id), request),
      {
        params: Contract.request(Schema.Struct({ id: EventId })),
        response: { 200: Contract.response(Event) },
        detail: only("viewer", "events:read", { summary: "One event", tags: ["events"] })
      }
    )
