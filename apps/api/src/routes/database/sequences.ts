/** `GET /api/db/sequences`: how much is left of each sequence, and when it runs out. */
import { pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { sequenceForecast } from "@ems/db-core/catalog/sequenceForecast"
import { Sequences, SequencesQuery } from "@ems/schema/contract/Sequences"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

const list = (query: typeof SequencesQuery.Type) =>
  Effect.map(Catalog.use(({ read }) => read(sequenceForecast)), (answer) =>
    pageOfAnswer(answer, query, {
      share: ({ share }) => share,
      remaining: ({ remaining }) => remaining,
      runsOutAt: ({ runsOutAt }) => runsOutAt
    }))

export const sequences = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/sequences", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(SequencesQuery),
    response: { 200: Contract.response(Sequences) },
    detail: only("viewer", "database:read", {
      summary: "What is left of sequences",
      description:
        "Those nearest to their end first, with the day on which they reach it at the rate of the last week.",
      tags: ["database"]
    })
  })
