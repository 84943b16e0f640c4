import { describe, expect, it } from "vitest"
import { type KnownFunctions, mayCallForeign, verdictOf } from "../../../src/optimizer/cache/Names.ts"

const functions: KnownFunctions = new Map([
  ["random", { volatile: true, foreign: false, type: false }],
  ["nextval", { volatile: true, foreign: false, type: false }],
  ["to_char", { volatile: false, foreign: false, type: false }],
  ["now", { volatile: false, foreign: false, type: false }],
  ["seats_left", { volatile: false, foreign: true, type: false }],
  ["charge", { volatile: true, foreign: true, type: false }],
  ["seat", { volatile: false, foreign: true, type: true }],
  ["~>", { volatile: false, foreign: true, type: false }]
])

describe("verdictOf", () => {
  it.each([
    ["select id from t where id = $1", undefined],
    ["select to_char(at, 'YYYY') from t", undefined],
    // Columns may be called so.
    ["select \"t\".\"age\", \"t\".\"random\", t.user from t", undefined],
    ["select 'random()' from t -- now()", undefined],
    ["select /* random() */ id from t", undefined],
    ["select random() from t", "volatile"],
    ["select RANDOM ( ) from t", "volatile"],
    ["select pg_catalog.\"random\"() from t", "catalog"],
    ["select now() from t", "volatile"],
    ["select age(at) from t", "volatile"],
    ["select id from t where at > current_date", "volatile"],
    ["select id from t tablesample system (1)", "volatile"],
    ["select id from t where at > 'now'", "volatile"],
    ["select id from t where at > timestamp 'Tomorrow 12:00'", "volatile"],
    ["select id from t where at > $x$ today $x$::date", "volatile"],
    ["select current_user from t", "session"],
    ["select user, id from t", "session"],
    ["select current_setting('a.b') from t", "session"],
    ["select query_to_xml('select 1', true, true, '') from t", "session"],
    ["select * from pg_class, t", "catalog"],
    ["select * from information_schema.tables, t", "catalog"],
    ["select seats_left(id) from t", "user_function"],
    ["select t.seats_left from t", "user_function"],
    ["select a ~> b from t", "user_function"],
    ["select id::seat from t", "user_function"],
    ["select U&\"\\0072andom\"() from t", "ambiguous"],
    ["select U&'\\006eow'::timestamptz from t", "ambiguous"],
    ["select E'n\\x6fw'::timestamptz from t", "ambiguous"],
    ["select 'no'\n'w'::timestamptz from t", "ambiguous"],
    [`select 'now${" ".repeat(80)}'::timestamptz from t`, "volatile"],
    ["select 'it\\'s random() ' from t", "ambiguous"]
  ])("%s: %s", (sql, expected) => {
    expect(verdictOf(sql, functions, false)).toBe(expected)
  })

  it("lets functions of users pass where their tables are declared, if they are stable", () => {
    expect(verdictOf("select seats_left(id) from t", functions, true)).toBe(undefined)
    expect(verdictOf("select seats_left(id), now() from t", functions, true)).toBe("volatile")
    expect(verdictOf("select charge(id) from t", functions, true)).toBe("volatile")
  })
})

describe("mayCallForeign", () => {
  it.each([
    ["insert into t values (random(), now())", false],
    ["select now(), charge(1)", true],
    ["select current_user, seats_left(1)", true],
    ["update t set a = 'x\\'y'", true]
  ])("%s: %s", (sql, expected) => {
    expect(mayCallForeign(sql, functions)).toBe(expected)
  })
})
