/** Users with unique addresses under example.org, who came between four and two years before the sample's moment. */
import { sql } from "drizzle-orm"
import { choose, now, publicId, type Sample, scatter } from "./Sample.ts"

export const insertUsers = ({ after, users }: Sample) =>
  sql`
insert into users (id, public_id, email, name, created_at, updated_at) overriding system value
select u.id,
       ${publicId("user", sql`u.id`)},
       lower(n.given || '.' || n.family) || u.id || '@example.org',
       n.given || ' ' || n.family,
       t.came,
       t.came
from generate_series(0, ${users}::bigint - 1) i
cross join lateral (select ${after.users}::bigint + i + 1 as id) u
cross join lateral (
  select (array['Ada', 'Ben', 'Chiara', 'Deniz', 'Elif', 'Femi', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Kaya', 'Lena',
                'Mateo', 'Nora', 'Omar', 'Priya', 'Quinn', 'Rosa', 'Sven', 'Tara', 'Uma', 'Viktor', 'Wei', 'Yara'])
           [1 + ${choose(scatter(sql`i`, 742938285), 24)}] as given,
         (array['Adeyemi', 'Berg', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Haas', 'Ivanov', 'Jansen',
                'Keller', 'Lindqvist', 'Moreau', 'Novak', 'Okafor', 'Patel', 'Rossi', 'Schmidt', 'Tanaka', 'Weber'])
           [1 + ${choose(scatter(sql`i`, 950706376), 20)}] as family
) n
cross join lateral (
  select ${now} - make_interval(mins => 1051200 + ${choose(scatter(sql`i`, 1226874159), 1051200)}) as came
) t`
