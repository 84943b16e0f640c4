import { assert, describe, it } from "vitest"
import { isShareable } from "../../src/driver/Lane.ts"

describe("Lane", () => {
  it.each([
    "select 1",
    "SELECT id, updated_at FROM users WHERE id = $1",
    "-- a comment\nselect 1",
    "/* a */ (select 1) union (select 2)",
    "with x as (select 1) select * from x",
    "values (1)",
    "table users",
    "select deleted_at, insert_count, shared from t"
  ])("shares %s", (sql) => assert.isTrue(isShareable(sql)))

  it.each([
    "insert into t values (1)",
    "with gone as (delete from t returning *) select * from gone",
    "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
    "select * into new_table from t",
    "select * from t for update",
    "select * from t for no key update",
    "select * from t for share",
    "select nextval('s')",
    "select set_config('a.b', 'c', false)",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_xact_lock(1)",
    "select pg_notify('c', 'p')",
    "select pg_sleep(1)",
    "begin",
    "set statement_timeout = 1",
    "explain analyze delete from t",
    "vacuum",
    "listen c",
    "call p()",
    "do $$ begin end $$",
    "copy t to stdout",
    ""
  ])("keeps alone: %s", (sql) => assert.isFalse(isShareable(sql)))
})
