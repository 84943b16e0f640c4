/** What routes refuse by themselves, beyond what a contract can say. */
import { Refused } from "./Failure.ts"

/** A member of the query that cannot be used; `expected` holds nothing that the client sent. */
export const badQuery = (member: string, expected: string): Refused =>
  new Refused({
    kind: {
      status: 422,
      detail: `The query does not have the expected shape at /${member}: expected ${expected}.`
    }
  })

export const notFound = (what: string): Refused =>
  new Refused({ kind: { status: 404, detail: `There is no such ${what}.` } })
