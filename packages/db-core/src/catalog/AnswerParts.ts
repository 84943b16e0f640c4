/** Several questions answered as one: what is known, and which of them have no answer here. */
import * as Effect from "effect/Effect"
import { isDbError } from "../errors/DbError.ts"
import { type Answer, type Unavailable, unavailable } from "./CatalogQuery.ts"

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

/**
 * What limits an answer that was put together from several, each said once. Why one of them has no answer is not among
 * them: that is for `unavailableParts`.
 */
export const noted = (...answers: ReadonlyArray<Answer<unknown>>): ReadonlyArray<string> => [
  ...new Set(answers.flatMap((answer) => answer.isAvailable ? answer.notes : []))
]

/** What the data layer's role may not see is part of the answer, and no failure. */
export const permitted = <Row, E, R>(
  ask: Effect.Effect<Answer<Row>, E, R>,
  /** What it may not see, such as `the journal of migrations`. */
  what: string
): Effect.Effect<Answer<Row>, E, R> =>
  Effect.catchIf(
    ask,
    (error) => isDbError(error) && error.reason._tag === "InsufficientPrivilege",
    () =>
      Effect.succeed<Answer<Row>>({
        isAvailable: false,
        unavailable: unavailable("privilege", `the role of the data layer may not read ${what}`)
      })
  )
