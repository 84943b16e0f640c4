/** `GET /metrics`: the process's metrics for Prometheus. */
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../http/Access.ts"
import type { Runtime } from "../Runtime.ts"
import { contentType, format } from "../telemetry/prometheusText.ts"

const scrape = Effect.map(
  Effect.context(),
  (context) => new Response(format(context), { headers: { "content-type": contentType } })
)

export const prometheus = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/metrics", ({ request }) => respond(scrape, request), {
    detail: only("viewer", "metrics:read", {
      summary: "Metrics for Prometheus",
      description: "Statements, connections, requests and the process itself, in the text format 0.0.4.",
      tags: ["server"]
    })
  })
