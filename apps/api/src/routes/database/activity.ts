/** `GET /api/db/activity`: who is connected to the server, and what they do. */
import { activity as sessions } from "@ems/db-core/catalog/activity"
import { chosen, pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { Activity, ActivityQuery } from "@ems/schema/contract/Activity"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

const list = ({ state, ...query }: typeof ActivityQuery.Type) =>
  Effect.map(
    Catalog.use(({ read }) => read(sessions)),
    (answer) =>
      pageOfAnswer(state === undefined ? answer : chosen(answer, (row) => row.state === state), query, {
        pid: ({ pid }) => pid,
        query: ({ queryMs }) => queryMs,
        transaction: ({ transactionMs }) => transactionMs,
        state: ({ stateMs }) => stateMs,
        connected: ({ connectedMs }) => connectedMs
      })
  )

export const activity = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/activity", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(ActivityQuery),
    response: { 200: Contract.response(Activity) },
    detail: only("viewer", "database:read", {
      summary: "Sessions and what they do",
      description: "Every session and background process of the server, the oldest transaction first; statements " +
        "without their values.",
      tags: ["database"]
    })
  })
