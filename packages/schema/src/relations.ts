/** How the tables reach each other in relational queries: `db.query.events.findMany({ with: { organizer: true } })`. */
import { defineRelations } from "drizzle-orm"
import { adminUsers } from "./tables/adminUsers.ts"
import { events } from "./tables/events.ts"
import { paymentHistory } from "./tables/paymentHistory.ts"
import { refreshTokens } from "./tables/refreshTokens.ts"
import { registrations } from "./tables/registrations.ts"
import { users } from "./tables/users.ts"

/** Every table by its TypeScript name. */
export const tables = { users, adminUsers, events, registrations, paymentHistory, refreshTokens }

/** `optional: false` where the foreign key is NOT NULL: the other row is always there. */
export const relations = defineRelations(tables, (r) => ({
  users: {
    organizedEvents: r.many.events({ from: r.users.id, to: r.events.organizerId }),
    registrations: r.many.registrations({ from: r.users.id, to: r.registrations.userId })
  },
  adminUsers: {
    refreshTokens: r.many.refreshTokens({ from: r.adminUsers.id, to: r.refreshTokens.adminUserId })
  },
  events: {
    organizer: r.one.users({ from: r.events.organizerId, to: r.users.id, optional: false }),
    registrations: r.many.registrations({ from: r.events.id, to: r.registrations.eventId })
  },
  registrations: {
    user: r.one.users({ from: r.registrations.userId, to: r.users.id, optional: false }),
    event: r.one.events({ from: r.registrations.eventId, to: r.events.id, optional: false }),
    payments: r.many.paymentHistory({ from: r.registrations.id, to: r.paymentHistory.registrationId })
  },
  paymentHistory: {
    registration: r.one.registrations({
      from: r.paymentHistory.registrationId,
      to: r.registrations.id,
      optional: false
    })
  },
  refreshTokens: {
    adminUser: r.one.adminUsers({ from: r.refreshTokens.adminUserId, to: r.adminUsers.id, optional: false })
  }
}))
