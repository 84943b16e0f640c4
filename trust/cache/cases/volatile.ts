/** Answers that change although no table does: they have to come from the database each time. */
import { type Case, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { text } from "./queries.ts"
import type { Stage } from "./Stage.ts"

interface Asked {
  readonly id: string
  readonly name: string
  /** Each must be answered by the database as often as it is asked. */
  readonly expressions: ReadonlyArray<string>
  readonly setup?: ReadonlyArray<string>
  /** The text of the whole query. By default the expression beside a table. */
  readonly query?: (expression: string) => string
}

const besideTable = (expression: string): string => `select (${expression})::text as v from t where id = 1`

/** What the database itself refuses here is passed over; of each list something must be left. */
const refused = (stage: Stage, query: Build): Promise<boolean> =>
  stage.subject.uncached(query).then(() => false, () => true)

/** Each expression in raw SQL and within a builder. */
const alwaysAsked = ({ expressions, id, name, query = besideTable, setup = [] }: Asked): Case => ({
  id,
  name,
  setup,
  quiet: true,
  run: async (stage) => {
    const kept: Array<string> = []
    let asked = 0
    for (const expression of expressions) {
      const raw = text(query(expression))
      if (await refused(stage, raw)) continue
      const built: Build = (db, { eq, sql, t }) =>
        db.select({ v: sql<string>`(${sql.raw(expression)})::text` }).from(t).where(eq(t.id, 1))
      for (const one of query === besideTable ? [raw, built] : [raw]) {
        await stage.subject.read(one)
        await stage.subject.read(one)
        const before = await stage.answered(one)
        await stage.subject.read(one)
        if (await stage.answered(one) === before) kept.push(expression)
        asked++
      }
    }
    if (asked === 0) throw new Error("the server refuses every one of them")
    if (kept.length > 0) throw new Wrong(`served from the cache: ${[...new Set(kept)].join(", ")}`)
    return `${asked} queries`
  }
})

export const volatile: ReadonlyArray<Case> = [
  alwaysAsked({
    id: "l84",
    name: "now() and its family",
    expressions: [
      "now()",
      "transaction_timestamp()",
      "statement_timestamp()",
      "clock_timestamp()",
      "timeofday()",
      "current_timestamp",
      "current_timestamp(0)",
      "localtimestamp",
      "current_time",
      "localtime",
      "current_date",
      "age(at)",
      "extract(epoch from now())"
    ]
  }),
  alwaysAsked({
    id: "l85",
    name: "'now' and its family as literals",
    expressions: [
      "'now'::timestamptz",
      "'now'::timestamp",
      "timestamptz 'now'",
      "cast('now' as timestamptz)",
      "'today'::date",
      "date 'tomorrow'",
      "timestamp 'yesterday'",
      "time 'now'",
      "' NOW '::timestamptz",
      "U&'\\006eow'::timestamptz",
      "$$now$$::timestamptz",
      "$x$now$x$::timestamptz",
      "'today 10:00'::timestamp",
      `'${"now".padEnd(90)}'::timestamptz`,
      "date_trunc('day', timestamptz 'now')",
      "('{now}'::timestamptz[])[1]",
      "'[now,)'::tstzrange",
      "('x', 'now')::text = '' or 'now'::timestamptz is null"
    ]
  }),
  alwaysAsked({
    id: "l86",
    name: "'now' with an escape in it, or in two pieces",
    expressions: ["E'n\\x6fw'::timestamptz", "E'\\156ow'::timestamptz", "'no'\n'w'::timestamptz"]
  }),
  alwaysAsked({
    id: "l87",
    name: "'now' in a column, cast by the query",
    expressions: ["label::timestamptz", "cast(label as timestamp)", "to_jsonb(label::timestamptz)"]
  }),
  {
    id: "l88",
    name: "'now' as a parameter, also with much around it",
    run: async (stage) => {
      for (const value of ["now", "now".padEnd(90), "NOW", "today"]) {
        const query: Build = (db, { eq, sql, t }) =>
          db.select({ v: sql`${value}::timestamptz::text` }).from(t).where(eq(t.id, 1))
        await stage.subject.read(query)
        await stage.subject.read(query)
        const before = await stage.answered(query)
        await stage.subject.read(query)
        if (await stage.answered(query) === before) throw new Wrong(`served from the cache: '${value}'`)
      }
    }
  },
  alwaysAsked({
    id: "l89",
    name: "volatile functions by another spelling",
    expressions: [
      "random()",
      "pg_catalog.random()",
      "\"random\"()",
      "RANDOM ()",
      "random /* (a comment) */ ()",
      "U&\"\\0072andom\"()",
      "U&\"!0072andom\" UESCAPE '!' ()",
      "gen_random_uuid()",
      "\"pg_catalog\".\"gen_random_uuid\"()",
      "(select max(r) from (select random() as r) x)",
      "t.v + random()",
      "random_normal()",
      "uuidv7()",
      "txid_current()",
      "pg_current_xact_id()",
      "pg_backend_pid()",
      "array_to_string(array(select random()), '')"
    ]
  }),
  alwaysAsked({
    id: "l90",
    name: "a volatile function of one's own: by name, quoted, as an operator, written like a column",
    setup: [
      `create function dice(int) returns float8 volatile language sql as 'select random() + $1'`,
      `create operator <~> (function = dice, rightarg = int)`,
      `create function t_luck(t) returns float8 volatile language sql as 'select random()'`
    ],
    expressions: ["dice(v)", "\"dice\"(v)", "<~> v", "operator(public.<~>) v", "t.t_luck"]
  }),
  alwaysAsked({
    id: "l91",
    name: "a volatile function behind a cast",
    setup: [
      `create type die as (f float8)`,
      `create function roll(int) returns die volatile language sql as 'select row(random())::die'`,
      `create cast (int as die) with function roll(int)`
    ],
    expressions: ["v::die", "cast(v as die)"]
  }),
  alwaysAsked({
    id: "l92",
    name: "a volatile function behind an aggregate",
    setup: [
      `create function add(float8, int) returns float8 volatile language sql as 'select $1 + random()'`,
      `create aggregate shake(int) (sfunc = add, stype = float8, initcond = '0')`
    ],
    expressions: ["(select shake(u.v) from u)", "(select shake(u.v) over () from u limit 1)"]
  }),
  alwaysAsked({
    id: "l93",
    name: "a view with a volatile function",
    setup: [
      `create view lucky as select id, random() as v from t`,
      `create view luckier as select * from lucky`,
      `create view today as select id, current_date as v from t`
    ],
    expressions: ["lucky", "luckier", "today"],
    query: (view) => `select v from ${view} where id = 1`
  }),
  alwaysAsked({
    id: "l94",
    name: "sequences",
    setup: [
      "create sequence numbers",
      "create table numbered (id serial, v int)",
      "insert into numbered (v) values (1)"
    ],
    expressions: [
      "nextval('numbers')",
      "nextval('numbers'::regclass)",
      "(select last_value from numbers)",
      "pg_sequence_last_value('numbers')"
    ]
  }),
  alwaysAsked({
    id: "l95",
    name: "what depends on the session",
    expressions: [
      "current_user",
      "session_user",
      "user",
      "current_role",
      "current_schema",
      "current_catalog",
      "current_setting('timezone')",
      "current_schemas(true)",
      "inet_client_port()",
      "pg_is_in_recovery()",
      "pg_try_advisory_xact_lock(1)",
      "set_config('app.x', 'y', false)"
    ]
  }),
  alwaysAsked({
    id: "l96",
    name: "catalogs and statistics",
    expressions: [
      "pg_class where relname = 't'",
      "pg_catalog.pg_tables",
      "information_schema.tables",
      "information_schema.columns",
      "pg_stat_activity",
      "pg_stat_user_tables",
      "pg_locks",
      "pg_settings"
    ],
    query: (from) => `select count(*) as v from ${from}`
  }),
  alwaysAsked({
    id: "l97",
    name: "catalogs beside a table, or behind a function or a cast",
    expressions: [
      "(select count(*) from pg_class)",
      "(select count(*) from information_schema.tables)",
      "pg_relation_size('t')",
      "pg_table_size('t'::regclass)",
      "obj_description('t'::regclass)",
      "has_table_privilege('t', 'select')",
      "to_regclass('later')",
      "pg_get_viewdef('tv')"
    ]
  }),
  alwaysAsked({
    id: "l98",
    name: "TABLESAMPLE",
    expressions: ["bernoulli (50)", "system (50)", "bernoulli (50) repeatable (1)"].slice(0, 2),
    query: (method) => `select count(*) as v from t tablesample ${method}`
  }),
  alwaysAsked({
    id: "l99",
    name: "FOR UPDATE and FOR SHARE",
    expressions: ["for update", "for no key update", "for share", "for key share", "for update skip locked"],
    query: (clause) => `select v from t where id = 1 ${clause}`
  })
]
