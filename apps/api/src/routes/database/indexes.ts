/** `GET /api/db/indexes`: every index once, how it is used, and what speaks against it. */
import { rowsOf, unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import type { Answer } from "@ems/db-core/catalog/CatalogQuery"
import { indexBloat } from "@ems/db-core/catalog/indexBloat"
import { indexUsage } from "@ems/db-core/catalog/indexUsage"
import { invalidIndexes } from "@ems/db-core/catalog/invalidIndexes"
import { redundantIndexes } from "@ems/db-core/catalog/redundantIndexes"
import { unusedIndexes } from "@ems/db-core/catalog/unusedIndexes"
import { type Index, Indexes, IndexesQuery } from "@ems/schema/contract/Indexes"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { pageOfAnswer } from "../../http/Page.ts"
import type { Runtime } from "../../Runtime.ts"
import { chosen } from "./chosen.ts"
import { noted } from "./noted.ts"

interface Named {
  readonly schema: string
  readonly name: string
}

const keyOf = ({ name, schema }: Named): string => `${schema}.${name}`

/** What a question found of an index; null where it found nothing, or has no answer. */
const finder = <Row extends Named>(answer: Answer<Row>) => {
  const found = new Map(rowsOf(answer).map((row) => [keyOf(row), row]))
  return (index: Named): Row | null => found.get(keyOf(index)) ?? null
}

const list = ({ finding, sort = "-bytes", ...query }: typeof IndexesQuery.Type) =>
  Effect.gen(function*() {
    const { read } = yield* Catalog
    const usage = yield* read(indexUsage)
    const parts = {
      unused: yield* read(unusedIndexes),
      redundant: yield* read(redundantIndexes),
      invalid: yield* read(invalidIndexes),
      bloat: yield* read(indexBloat)
    }
    const [unused, redundant, invalid, bloat] = [
      finder(parts.unused),
      finder(parts.redundant),
      finder(parts.invalid),
      finder(parts.bloat)
    ]
    const answer: Answer<Index> = usage.isAvailable
      ? {
        ...usage,
        rows: usage.rows.map((row) => ({
          ...row,
          unused: unused(row),
          redundant: redundant(row),
          invalid: invalid(row),
          bloat: bloat(row)
        })),
        notes: noted(usage, ...Object.values(parts))
      }
      : usage
    // Nobody looked for it: none that have it would look like good news.
    const wanted = finding === undefined || !parts[finding].isAvailable ? undefined : finding
    const lacking = finding === undefined || parts[finding].isAvailable ? answer : parts[finding]
    const some = wanted === undefined ? lacking : chosen(answer, (row) => row[wanted] !== null)
    return {
      ...pageOfAnswer(some, { ...query, sort }, {
        bytes: ({ bytes }) => bytes,
        scans: ({ scans }) => scans,
        writes: ({ writes }) => writes,
        wasted: ({ bloat }) => bloat?.wastedBytes
      }),
      unavailableParts: unavailableParts(parts)
    } satisfies Indexes
  })

export const indexes = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/indexes", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(IndexesQuery),
    response: { 200: Contract.response(Indexes) },
    detail: only("viewer", "database:read", {
      summary: "Indexes and what speaks against them",
      description:
        "Every index once, the largest first: its use, and whether it is unused, redundant, invalid or bloated.",
      tags: ["database"]
    })
  })
