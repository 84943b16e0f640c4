/**
 * 500 registrations for each block of 20 events, from 120 for the most popular down to 1. Within an event the users
 * are consecutive multiples of a prime that divides no number of users, so no pair of user and event comes twice.
 */
import { sql } from "drizzle-orm"
import { choose, now, publicId, type Sample, scatter } from "./Sample.ts"

/** Where the registrations of each rank begin in a block of 500, rank 2 first. */
const starts = sql.raw(
  "array[0, 120, 200, 260, 305, 340, 370, 395, 415, 433, 448, 460, 470, 478, 485, 491, 496, 499]"
)

export const insertRegistrations = ({ after, registrations, users }: Sample) =>
  sql`
insert into registrations (id, public_id, user_id, event_id, quantity, amount_minor, currency, payment_status,
                           registration_date, created_at, updated_at) overriding system value
select r.id,
       ${publicId("registration", sql`r.id`)},
       ${after.users}::bigint + 1 + mod(g.k * 7919 + ${scatter(sql`f.event`, 1327217885)}, ${users}::bigint),
       e.id,
       q.quantity,
       e.price_minor * q.quantity,
       e.currency,
       (case when e.price_minor = 0 then 'paid'
             when e.status = 'cancelled' then 'refunded'
             when q.share < 82 then 'paid'
             when q.share < 91 then 'pending'
             when q.share < 96 then 'failed'
             else 'refunded' end)::payment_status,
       d.registered,
       d.registered,
       d.registered
from generate_series(0, ${registrations}::bigint - 1) i
cross join lateral (
  select ${after.registrations}::bigint + i + 1 as id,
         i / 500 as block,
         width_bucket((i % 500)::int, ${starts}) as place
) r
cross join lateral (select i % 500 - (${starts})[r.place] as k) g
-- The event whose rank is place + 1: 3 undoes the 7 of the ranks, 7 * 3 being 1 modulo 20.
cross join lateral (select r.block * 20 + mod((r.place + 21 - mod(r.block * 3, 20)) * 3, 20) as event) f
join events e on e.id = ${after.events}::bigint + 1 + f.event
cross join lateral (
  select (array[1, 1, 2, 1, 1, 1, 2, 1, 4, 1])[1 + g.k % 10] as quantity,
         ${choose(scatter(sql`i`, 742938285), 100)} as share
) q
cross join lateral (
  select least(e.registration_deadline, ${now})
           - make_interval(mins => ${choose(scatter(sql`i`, 950706376), 129600)}) as registered
) d`
