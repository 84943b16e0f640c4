/** What limits an answer that was put together from several, each said once. */
import type { Answer } from "@ems/db-core/catalog/CatalogQuery"

/** Why one of them has no answer is not among them: that is for `unavailableParts`. */
export const noted = (...answers: ReadonlyArray<Answer<unknown>>): ReadonlyArray<string> => [
  ...new Set(answers.flatMap((answer) => answer.isAvailable ? answer.notes : []))
]
