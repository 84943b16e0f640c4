/** `GET /api/db/checks`: what is wrong with the database, or about to go wrong. */
import { checkNames, checkReport, type ReportedCheck } from "@ems/db-core/catalog/CheckReport"
import { Checks, ChecksQuery } from "@ems/schema/contract/Checks"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { badQuery } from "../../http/Refusal.ts"
import type { Runtime } from "../../Runtime.ts"

/** Findings of one check that are listed; all are counted. */
const most = 200

const bounded = (check: ReportedCheck): ReportedCheck =>
  check.findings.length <= most ? check : {
    ...check,
    findings: check.findings.slice(0, most),
    notes: [...check.notes, `Only ${most} of ${check.findings.length} findings are listed; emsdb check lists all`]
  }

const report = ({ only: names }: typeof ChecksQuery.Type) =>
  Effect.gen(function*() {
    const wanted = typeof names === "string" ? [names] : names
    if (wanted?.some((name) => !checkNames.includes(name)) === true) {
      return yield* badQuery("only", `names with commas between them, of ${checkNames.join(", ")}`)
    }
    const { checks, ...counted } = yield* checkReport(wanted === undefined ? {} : { only: wanted })
    return { ...counted, checks: checks.map(bounded) } satisfies Checks
  })

/** For all of them one after the other. Milliseconds. */
const timeout = 60_000

export const checks = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/checks", ({ query, request }) => respond(report(query), request, { timeout }), {
    query: Contract.request(ChecksQuery),
    response: { 200: Contract.response(Checks) },
    detail: only("viewer", "database:read", {
      summary: "What is wrong, or about to go wrong",
      description: "Each finding with its evidence, what follows from it, and the statement that mends it; and what " +
        "could not be looked at. The same as emsdb check --json.",
      tags: ["database"]
    })
  })
