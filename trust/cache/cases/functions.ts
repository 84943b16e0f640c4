/** Tables that are read inside functions: Postgres does not name them before it runs the query. */
import { type Case, column, expect, oursAlone } from "./Case.ts"
import { setU, text } from "./queries.ts"

const setup = [
  `create function sum_u() returns bigint stable language sql as 'select sum(v) from u'`,
  `create function u_of(int) returns int stable language plpgsql as 'begin return (select v from u where id = $1); end'`,
  `create function all_u() returns setof u stable language sql as 'select * from u'`,
  `create function lying() returns bigint immutable language sql as 'select sum(v) from u'`,
  `create function plus_u(int) returns int stable language sql as 'select $1 + v from u where id = 1'`,
  `create operator +~ (function = plus_u, rightarg = int)`,
  `create type boxed as (n int)`,
  `create function box_u(int) returns boxed stable language sql as 'select row($1 + v)::boxed from u where id = 1'`,
  `create cast (int as boxed) with function box_u(int)`,
  `create function step_u(int, int) returns int stable language sql as 'select v from u where id = 1'`,
  `create aggregate last_u(int) (sfunc = step_u, stype = int, initcond = '0')`,
  `create view counting as select t.id, sum_u()::int as v from t`
]

/** Nobody has to serve these from memory. */
const within = (
  id: string,
  name: string,
  query: string,
  before: unknown,
  after: unknown,
  also: Partial<Case> = {}
): Case => ({
  id,
  name,
  alone: true,
  setup,
  run: async (stage) => {
    const { subject } = stage
    await stage.rehearse(setU(5))
    for (let round = 0; round < 3; round++) expect("before", column(await subject.read(text(query))), [before])
    await subject.write(setU(5))
    expect("at once", column(await subject.read(text(query))), [after])
  },
  ...also
})

export const functions: ReadonlyArray<Case> = [
  within(
    "l100",
    "a function reads a table, which nobody declared",
    "select sum_u()::int as v from t where id = 1",
    3,
    7
  ),
  within("l101", "the same in PL/pgSQL", "select u_of(1) as v from t where id = 1", 1, 5),
  within("l102", "a function in FROM", "select a.v from t, all_u() a where t.id = 1 and a.id = 1", 1, 5),
  within("l103", "a function that says it is immutable", "select lying()::int as v from t where id = 1", 3, 7, {
    notFor: ({ ours }) => ours ? "what says that it is immutable is believed, as Postgres believes it" : undefined
  }),
  within("l104", "an operator", "select +~ v as v from t where id = 1", 2, 6),
  within("l105", "a cast", "select (v::boxed).n as v from t where id = 1", 2, 6),
  within("l106", "an aggregate", "select last_u(v) as v from t where id = 1", 1, 5),
  within("l107", "a view with such a function", "select v from counting where id = 1", 3, 7),
  within("l108", "a quoted name", "select \"sum_u\"()::int as v from t where id = 1", 3, 7),
  within("l109", "a name with its schema", "select public . sum_u ( ) ::int as v from t where id = 1", 3, 7),
  within(
    "l110",
    "a table that a function of Postgres's own reads, named in a string",
    "select (table_to_xml('u', true, false, '')::text like '%<v>5</v>%')::text as v from t where id = 1",
    "false",
    "true"
  ),
  within(
    "l111",
    "a query in a string",
    "select (query_to_xml('select v from u', true, false, '')::text like '%<v>5</v>%')::text as v from t where id = 1",
    "false",
    "true"
  ),
  {
    id: "l112",
    name: "a function's table is declared: cached, and seen when it is written",
    setup,
    notFor: oursAlone("it cannot be told"),
    run: async (stage) => {
      const query = text("select sum_u()::int as v from t where id = 1")
      const how = { tables: ["public.u"] }
      expect("before", column(await stage.fill(query, how)), [3])
      await stage.subject.write(setU(5))
      expect("at once", column(await stage.subject.read(query, how)), [7])
      await stage.fill(query, how)
      await stage.outsider("update u set v = 9 where id = 1")
      await stage.settle()
      expect("written by somebody else", column(await stage.subject.read(query, how)), [11])
    }
  },
  {
    id: "l113",
    name: "a function becomes another one",
    setup: ["create function tax(int) returns int immutable language sql as 'select $1 * 2'"],
    run: async (stage) => {
      const query = text("select tax(v) as v from t where id = 1")
      expect("before", column(await stage.subject.read(query)), [2])
      await stage.subject.read(query)
      await stage.outsider("create or replace function tax(int) returns int immutable language sql as 'select $1 * 3'")
      await stage.settle()
      expect("afterwards", column(await stage.subject.read(query)), [3])
    }
  }
]
