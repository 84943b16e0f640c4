/** One page of the indexes: each once, how it is used, and what speaks against it. The largest first. */
import * as Effect from "effect/Effect"
import { chosen, pageOfAnswer, type PageQuery } from "./AnswerPage.ts"
import { noted, rowsOf, unavailableParts } from "./AnswerParts.ts"
import { Catalog } from "./Catalog.ts"
import type { Answer } from "./CatalogQuery.ts"
import { indexBloat } from "./indexBloat.ts"
import { indexUsage } from "./indexUsage.ts"
import { invalidIndexes } from "./invalidIndexes.ts"
import { redundantIndexes } from "./redundantIndexes.ts"
import { unusedIndexes } from "./unusedIndexes.ts"

export type IndexColumn = "bytes" | "scans" | "writes" | "wasted"

export interface IndexQuery extends PageQuery<IndexColumn> {
  /** Only indexes with that finding. */
  readonly finding?: "unused" | "redundant" | "invalid" | undefined
}

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

export const indexReport = ({ finding, sort = "-bytes", ...query }: IndexQuery) =>
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
    const answer = usage.isAvailable
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
    const wanted = finding === undefined ? undefined : parts[finding]
    const lacking = wanted === undefined || wanted.isAvailable ? answer : wanted
    const some = finding === undefined ? lacking : chosen(lacking, (row) => row[finding] !== null)
    return {
      ...pageOfAnswer(some, { ...query, sort }, {
        bytes: ({ bytes }) => bytes,
        scans: ({ scans }) => scans,
        writes: ({ writes }) => writes,
        wasted: ({ bloat }) => bloat?.wastedBytes
      }),
      unavailableParts: unavailableParts(parts)
    }
  })
