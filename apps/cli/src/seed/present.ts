/** The tables that hold rows, and the highest ids. */
import { sql } from "drizzle-orm"

export interface Present {
  readonly users: bigint
  readonly events: bigint
  readonly registrations: bigint
  readonly payments: bigint
}

export const present = sql<Present>`
select (select coalesce(max(id), 0) from users) as users,
       (select coalesce(max(id), 0) from events) as events,
       (select coalesce(max(id), 0) from registrations) as registrations,
       (select coalesce(max(id), 0) from payment_history) as payments`
