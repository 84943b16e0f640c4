/** What led to each registration's payment status: attempts that failed, the payment, the refund. */
import { sql } from "drizzle-orm"
import { now, type Sample } from "./Sample.ts"

export const insertPayments = ({ after, registrations }: Sample) =>
  sql`
insert into payment_history (id, registration_id, payment_reference, amount_minor, currency, status, transaction_date,
                             created_at, updated_at) overriding system value
select ${after.payments}::bigint + row_number() over (order by r.id, p.attempt),
       r.id,
       'pay_' || left(md5(r.id || ' ' || p.charge), 24),
       r.amount_minor,
       r.currency,
       p.status::payment_status,
       d.moved,
       d.moved,
       d.moved
from registrations r
-- Every so many registrations of an outcome have this attempt. A refund repeats the reference of its payment.
join (values ('paid', 1, 'failed', 1, 0, 10), ('paid', 2, 'paid', 2, 7, 1),
             ('failed', 1, 'failed', 1, 0, 1), ('failed', 2, 'failed', 2, 45, 2),
             ('refunded', 1, 'paid', 1, 2, 1), ('refunded', 2, 'refunded', 1, 20160, 1))
  p (outcome, attempt, status, charge, minutes, every)
  on p.outcome::payment_status = r.payment_status
  and r.id % p.every = 0
  -- Nothing to pay cannot fail.
  and (r.amount_minor > 0 or p.status = 'paid')
cross join lateral (select least(r.registration_date + make_interval(mins => p.minutes), ${now}) as moved) d
where r.id > ${after.registrations}::bigint
  and r.id <= ${after.registrations}::bigint + ${registrations}::bigint`
