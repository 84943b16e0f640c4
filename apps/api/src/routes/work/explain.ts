/** `POST /api/db/explain`: how the server would run a statement, and with `analyze` what it took. */
import { digestOf, Explain, type ExplainRequest as Question } from "@ems/db-core/optimizer/Explain"
import { ExplainedStatement, ExplainRequest } from "@ems/schema/contract/Explain"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import { audited } from "../../http/Audited.ts"
import { needsAdmin } from "../../http/Caller.ts"
import * as Contract from "../../http/Contract.ts"
import { Refused } from "../../http/Failure.ts"
import { ofExplainError } from "../../http/problems/ofExplainError.ts"
import type { Runtime } from "../../Runtime.ts"

/** What a statement may take that does not say so itself; planning it comes before. Milliseconds. */
const maxTimeout = 30_000

/** For a connection, and who asks. Milliseconds. */
const overhead = 10_000

const ask = (question: Question) =>
  Effect.catchTag(
    Explain.use(({ explain }) => explain(question)),
    "ExplainError",
    (error) => Effect.fail(new Refused({ kind: ofExplainError(error) }))
  )

const explained = ({ analyze = false, ...question }: Question, request: Request) =>
  analyze
    ? Effect.andThen(
      needsAdmin(request, "database:explain"),
      audited(request, { action: "explain.analyze", target: digestOf(question.sql) }, ask({ ...question, analyze }))
    )
    : ask(question)

export const explain = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().post(
    "/api/db/explain",
    ({ body: { timeoutMs: timeout, ...question }, request }) =>
      respond(explained({ ...question, timeout }, request), request, { timeout: (timeout ?? maxTimeout) + overhead }),
    {
      body: Contract.request(ExplainRequest),
      response: { 200: Contract.response(ExplainedStatement) },
      detail: only("operator", "database:explain", {
        summary: "The plan of a statement",
        description:
          "In a read-only transaction that is rolled back. Without analyze it is only planned. With analyze it " +
          "is run, and may call whatever the database's role may call: that needs the role admin.",
        tags: ["queries"]
      })
    }
  )
