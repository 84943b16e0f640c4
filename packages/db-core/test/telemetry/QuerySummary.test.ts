import { assert, describe, it } from "vitest"
import { summarize } from "../../src/telemetry/QuerySummary.ts"

describe("QuerySummary", () => {
  it.each([
    ["select * from users where id = $1", "SELECT users"],
    ["select \"id\" from \"users\" \"u\" inner join \"events\" on true", "SELECT users"],
    ["select 1 from \"public\".\"user\"\"s\"", "SELECT public.user\"s"],
    ["SELECT n FROM only app . users", "SELECT app.users"],
    ["-- from a\nselect /* from b */ 1 from c", "SELECT c"],
    ["(select 1 from a) union (select 2 from b)", "SELECT a"],
    ["select (select count(*) from inner_one), x from outer_one", "SELECT outer_one"],
    ["select * from (select * from users) u", "SELECT users"],
    ["select extract(year from born), trim(both 'x' from name) from people", "SELECT people"],
    ["select a is distinct from b from c", "SELECT c"],
    ["select x from lateral (select 1 from a) b", "SELECT a"],
    ["insert into \"registrations\" (\"id\") values ($1)", "INSERT registrations"],
    ["update only users set name = 'x' where id = 1", "UPDATE users"],
    ["select 1 from users for update of users", "SELECT users"],
    ["delete from users where id = 1", "DELETE users"],
    ["merge into stock using sale on true when matched then do nothing", "MERGE stock"],
    ["with gone as (delete from a returning *) insert into b select * from gone", "INSERT b"],
    ["with recent as (select * from events) select * from recent", "SELECT recent"],
    ["with x as (select 1) select 2", "SELECT"],
    ["select 1", "SELECT"],
    ["set statement_timeout = 10", "SET"],
    ["explain select * from users", "EXPLAIN"],
    ["create table canary (id int)", "CREATE"]
  ])("%s", (sql, summary) => {
    const found = summarize(sql)
    assert.strictEqual(found.summary, summary)
    assert.strictEqual(found.operation, summary.split(" ")[0])
  })

  it.each([
    "select 'x from canary'",
    "select 'it''s from canary'",
    "select e'it\\'s from canary'",
    "select 'it\\'s from canary'",
    "select $$ from canary $$",
    "select $t$ $$ from canary $t$",
    "select '; from canary",
    "select /* a /* b */ from canary */ 1",
    "select 1 -- from canary",
    "insert 'into canary'",
    "canary from canary",
    "'canary' from canary",
    `select '${"x".repeat(10_000)} from canary'`
  ])("takes nothing for a table that may be a value: %s", (sql) => {
    assert.notInclude(JSON.stringify(summarize(sql)), "canary")
  })

  it("says nothing of what is no statement", () => {
    for (const sql of ["", "  ", "canary", "42", ")"]) {
      assert.deepStrictEqual(summarize(sql), { operation: undefined, summary: undefined })
    }
  })
})
