/** Moves the sequences behind the ids that the seed gave out; never back, since others may have taken numbers. */
import { sql } from "drizzle-orm"

export const advanceSequences = sql`
select setval('users_id_seq', greatest((select max(id) from users), (select last_value from users_id_seq))),
       setval('events_id_seq', greatest((select max(id) from events), (select last_value from events_id_seq))),
       setval('registrations_id_seq',
              greatest((select max(id) from registrations), (select last_value from registrations_id_seq))),
       setval('payment_history_id_seq',
              greatest((select max(id) from payment_history), (select last_value from payment_history_id_seq)))`
