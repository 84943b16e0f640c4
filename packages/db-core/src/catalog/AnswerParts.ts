/** Several questions answered as one: what is known, and which of them have no answer here. */
import type { Answer, Unavailable } from "./CatalogQuery.ts"

export interface UnavailablePart<Part extends string> extends Unavailable {
  readonly part: Part
}

/** None also where there is no answer: to be said beside them, by `unavailableParts`. */
export const rowsOf = <Row>(answer: Answer<Row>): ReadonlyArray<Row> => answer.isAvailable ? answer.rows : []

/** What limits the answer, or why there is none. */
export const notesOf = (answer: Answer<unknown>): ReadonlyArray<string> =>
  answer.isAvailable ? answer.notes : [answer.unavailable.text]

/** `answers` by the name of the part that each is for. */
export const unavailableParts = <Part extends string>(
  answers: { readonly [P in Part]: Answer<unknown> }
): ReadonlyArray<UnavailablePart<Part>> =>
  Object.entries<Answer<unknown>>(answers).flatMap(([part, answer]) =>
    // A cast: `entries` forgets what the names are.
    answer.isAvailable ? [] : [{ part: part as Part, ...answer.unavailable }]
  )
