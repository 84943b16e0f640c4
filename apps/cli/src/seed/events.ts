/**
 * Events in blocks of 20 that differ in popularity: the rank in the block says how many register (see
 * `registrations.ts`), and rooms are chosen so that nobody registers for a place that is not there. Ranks 0 and 1 are
 * drafts. What is completed lies before the sample's moment, what is published after it.
 */
import { sql } from "drizzle-orm"
import { choose, now, publicId, type Sample, scatter } from "./Sample.ts"

export const insertEvents = ({ after, events, users }: Sample) =>
  sql`
insert into events (id, public_id, organizer_id, title, description, venue, status, event_date, registration_deadline,
                    capacity, price_minor, currency, created_at, updated_at) overriding system value
select e.id,
       ${publicId("event", sql`e.id`)},
       ${after.users}::bigint + 1 + mod(i * 7919, ${users}::bigint),
       t.theme || ' ' || t.kind || ' ' || i + 1,
       'A ' || lower(t.kind) || ' in ' || c.city || '.',
       t.room || ', ' || c.city,
       s.status,
       d.begins,
       d.closes,
       (array[60, 200, 200, 150, 90, 100, 60, 50, 40, 30, 50, 40, 30, 25, 60, 20, 100, 15, 40, 500])[e.rank + 1],
       case when p.step < 4 then 0
            else c.factor * (array[900, 1500, 1900, 2500, 3500, 4900, 7900, 14900])[1 + p.step % 8] end,
       c.currency,
       o.opened,
       o.opened
from generate_series(0, ${events}::bigint - 1) i
cross join lateral (select ${after.events}::bigint + i + 1 as id, mod(i % 20 * 7 + i / 20 * 3, 20)::int as rank) e
cross join lateral (
  select (array['Autumn', 'Baltic', 'Community', 'Design', 'Early', 'Folk', 'Green', 'Harbour', 'Open', 'Winter'])
           [1 + ${choose(scatter(sql`i`, 742938285), 10)}] as theme,
         (array['Conference', 'Concert', 'Workshop', 'Meetup', 'Exhibition', 'Festival', 'Lecture', 'Run'])
           [1 + ${choose(scatter(sql`i`, 950706376), 8)}] as kind,
         (array['Old Mill', 'Town Hall', 'Library', 'Harbour Shed', 'Glass House', 'Arena'])
           [1 + ${choose(scatter(sql`i`, 62089911), 6)}] as room
) t
join (values (0, 'Berlin', 'EUR', 1), (1, 'Lisbon', 'EUR', 1), (2, 'Paris', 'EUR', 1), (3, 'Vienna', 'EUR', 1),
             (4, 'London', 'GBP', 1), (5, 'New York', 'USD', 1), (6, 'Zurich', 'CHF', 1), (7, 'Stockholm', 'SEK', 10))
  c (number, city, currency, factor) on c.number = ${choose(scatter(sql`i`, 1226874159), 8)}
cross join lateral (select ${choose(scatter(sql`i`, 1343714438), 20)} as step) p
cross join lateral (select ${choose(scatter(sql`i`, 1327217885), 100)} as share) h
cross join lateral (
  select (case when e.rank < 2 then 'draft' when h.share < 7 then 'cancelled' when h.share < 50 then 'completed'
               else 'published' end)::event_status as status
) s
cross join lateral (
  select ${now} + make_interval(hours => 17 + 24 * case when s.status = 'completed' or h.share < 4
    then -1 - ${choose(scatter(sql`i`, 630360016), 400)}
    else 60 + ${choose(scatter(sql`i`, 630360016), 1000)} end) as begins
) b
cross join lateral (
  select b.begins, b.begins - make_interval(hours => 1 + ${choose(scatter(sql`i`, 397204094), 720)}) as closes
) d
cross join lateral (
  select least(d.closes, ${now}) - make_interval(hours => 2200 + ${choose(scatter(sql`i`, 2027812808), 2400)}) as opened
) o`
