/** Some rows of an answer; none of them where nobody knows. */
import type { Answer } from "@ems/db-core/catalog/CatalogQuery"

export const chosen = <Row>(answer: Answer<Row>, isChosen: (row: Row) => boolean): Answer<Row> =>
  answer.isAvailable ? { ...answer, rows: answer.rows.filter(isChosen) } : answer
