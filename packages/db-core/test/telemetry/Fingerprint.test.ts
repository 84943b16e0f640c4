import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type Statement, statementOf } from "../../src/telemetry/Fingerprint.ts"
import { StatementTexts } from "../../src/telemetry/StatementTexts.ts"
import { tokenize } from "../../src/telemetry/Tokens.ts"

const textOf = (sql: string): string => statementOf(sql).fingerprint.text

describe("Fingerprint", () => {
  it.each([
    [`select "id" from "users" where "users"."id" = $1`, `select "id" from "users" where "users"."id" = ?`],
    ["SELECT  *\n\tFROM users WHERE id=5;", "select * from users where id = ?"],
    ["select 1 -- a\n, /* b /* c */ d */ 2 from x", "select ?, ? from x"],
    ["select 1 -- a\r, 2", "select ?, ?"],
    ["select * from x where a in (1)", "select * from x where a in (?)"],
    ["select * from x where a in ($1, $2, $3)", "select * from x where a in (?)"],
    ["select * from x where (a, b) in ((1, 2), (3, 4))", "select * from x where (a, b) in ((?, ?))"],
    ["select * from x where a in (1, 2, b)", "select * from x where a in (?, b)"],
    ["select * from x where a = any(array[1, 2])", "select * from x where a = any (array[?])"],
    ["insert into x values (1, 'a')", "insert into x values (?, ?)"],
    ["insert into x (a, b) values ($1, default), ($2, $3), (4, null)", "insert into x(a, b) values (?, ?)"],
    ["insert into x values (1, now()), (2, now()), (3, 4)", "insert into x values (?, now()), (?, ?)"],
    ["select coalesce(a, 1, 2) from x", "select coalesce(a, ?, ?) from x"],
    ["select a - 1, a -1, -1, (-1), a * -1 from x", "select a - ?, a - ?, ?, (?), a * ? from x"],
    ["select 1.5e-10, .5, 0xff, 1_000, 1e5", "select ?, ?, ?, ?, ?"],
    [
      "update x set a = null, b = true where c is null and d is not true",
      "update x set a = ?, b = ? where c is null " +
      "and d is not true"
    ],
    ["select a->>'k', b::text[], c #> '{a}', d @> $1", "select a ->> ?, b::text[], c #> ?, d @> ?"],
    ["set statement_timeout = 100", "set statement_timeout = ?"],
    ["SET LOCAL app.tenant TO acme", "set local app.tenant to ?"],
    ["set role acme", "set role ?"],
    ["alter role x set app.tenant to acme", "alter role x set app.tenant to ?"],
    ["fetch 256 from c_17", "fetch ? from ?"],
    ["declare c_17 cursor for select 1", "declare ? cursor for select ?"],
    ["savepoint ems_3", "savepoint ?"],
    ["rollback to savepoint ems_3", "rollback to savepoint ?"],
    ["rollback", "rollback"],
    ["acme acme", "…"],
    ["", "…"]
  ])("%s", (sql, text) => {
    assert.strictEqual(textOf(sql), text)
  })

  it.each([
    "select 'canary'",
    "select 'it''s canary', e'it\\'s canary', E'\\\\', 'canary'",
    "select b'1', x'ca', n'canary', U&'canary\\0061' uescape '!'",
    "select U&\"canary\" from x",
    "select $$canary$$, $t$ $$ canary $t$, $ä$canary$ä$",
    "select 'a' 'canary'",
    // By an old setting the backslash escapes: where the literal ends is anybody's guess.
    "select 'it\\'s canary'",
    "select '\\', canary, '",
    "select 'canary",
    "select \"canary",
    "select $t$ canary $u$",
    "select 1 /* canary",
    "select 1 /* /* canary */ from x",
    "select $canary",
    "select \\canary",
    "select 1 from x where y = 'a\\' and z = 'canary'",
    "insert into x values ('canary', 1), ('canary', 2",
    "call p('canary')",
    "do $$ begin perform 'canary'; end $$",
    "alter role x password 'canary'",
    "set app.secret = canary",
    "set session authorization canary",
    "canary select 1",
    "'canary'"
  ])("keeps no literal and nothing that may be one: %s", (sql) => {
    assert.notInclude(JSON.stringify(statementOf(sql)), "canary")
  })

  it("is the same for an INSERT of any length, and short", () => {
    const insert = (rows: number) =>
      textOf(
        `insert into x (a, b) values ${
          Array.from({ length: rows }, (_, n) => `($${2 * n + 1}, $${2 * n + 2})`).join(", ")
        }`
      )
    assert.strictEqual(insert(1), insert(700))
    // What is behind the rows of a longer one is not read.
    assert.strictEqual(insert(5000), "insert into x(a, b) values (?, ?) …")
    assert.strictEqual(insert(5000), insert(60_000))
    const wide = `select ${Array.from({ length: 3000 }, (_, n) => `column_${n}`).join()} from x`
    assert.isAtMost(textOf(wide).length, 4096)
    assert.notStrictEqual(
      statementOf(wide).fingerprint.id,
      statementOf(wide.replace("column_900", "other")).fingerprint.id
    )
  })

  it("has an id that does not change with the process", () => {
    assert.strictEqual(statementOf("select 1").fingerprint.id, "e1c71d1661ae46e0")
  })

  it.each(
    [
      ["select * from a", ["a"]],
      ["select * from a x, b y join c on (c.id = y.id), only d", ["a", "b", "c", "d"]],
      ["select * from (a join b on true) join s.\"C\" on true", ["a", "b", "s.C"]],
      ["with x as (select * from t1), y (a, b) as (select 1, 2 from t2) update t3 set a = 1 from t4, x", [
        "t1",
        "t2",
        "t3",
        "t4"
      ]],
      ["select * from generate_series(1, 2), lateral (select * from a) l, (values (1), (2)) v", ["a"]],
      ["select extract(year from y), (select max(z) from i) from o where a is distinct from b for update of o", [
        "i",
        "o"
      ]],
      ["insert into a (x, y) select x, y from b on conflict (x) do update set y = 1", ["a", "b"]],
      ["delete from a using b join c using (id) where a.id = b.id", ["a", "b", "c"]],
      ["merge into a using b on true when matched then do nothing", ["a", "b"]],
      ["select 1 from a where exists (select 1 from b union select 1 from c)", ["a", "b", "c"]]
    ] as ReadonlyArray<readonly [string, ReadonlyArray<string>]>
  )("finds the tables of %s", (sql, tables) => {
    assert.deepStrictEqual(statementOf(sql).fingerprint.tables, tables)
  })

  it.each(
    [
      ["select * from a", false, undefined],
      ["select * from a limit 5 offset 2000", true, { rows: 2000 }],
      ["select * from a limit $1 offset $2", true, { parameter: 2 }],
      ["select * from a fetch first 5 rows only", true, undefined],
      ["select * from (select * from b limit 5 offset 7) a", false, undefined]
    ] as ReadonlyArray<readonly [string, boolean, Statement["offset"]]>
  )("knows the limits of %s", (sql, hasLimit, offset) => {
    const statement = statementOf(sql)
    assert.deepStrictEqual([statement.hasLimit, statement.offset], [hasLimit, offset])
  })
})

describe("Tokens", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
  })
  afterAll(() => database.close())

  /** A generator of one's own, so that a failure can be repeated. */
  const random = (seed: number) => () => {
    seed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0
    return (seed >>> 0) / 2 ** 32
  }

  it("agrees with the server on where literals end", async () => {
    const next = random(42)
    const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(next() * all.length)]!
    const parts = ["a", " ", "''", "\"", "--", "/*", "*/", "$$", "$t$", "\n", ",", "(", "1", "\\\\", "%", "ä"]
    const inner = (without: RegExp): string =>
      Array.from({ length: Math.floor(next() * 8) }, () => pick(parts)).join("").replace(without, "x")
    const literals = [
      () => `'${inner(/\\/g)}'`,
      () => `e'${inner(/(?!)/g)}\\''`,
      () => `$$${inner(/\$/g)}$$`,
      () => `$t$${inner(/\$/g)} $u$ $$ $t$`,
      () => `u&'${inner(/\\/g)}'`,
      () => `/*${inner(/\*|\//g)} /* ' */ */ ${Math.floor(next() * 100)}`,
      () => `n'${inner(/\\/g)}' -- ' ${inner(/\n/g)}\n`,
      () => `-${Math.floor(next() * 100)}.5e3`
    ]
    const queries = Array.from({ length: 400 }, () => {
      const columns = Array.from({ length: 1 + Math.floor(next() * 5) }, () => pick(literals)())
      return { columns, sql: `select ${columns.map((literal, at) => `${literal} as c${at}`).join(", ")}` }
    })
    for (const { columns, sql } of queries) {
      const [row] = await database.admin(sql)
      // The server read as many columns as were written, so it sees each literal's end where it was meant.
      assert.lengthOf(Object.keys(row!), columns.length, sql)
      const words = tokenize(sql).filter(({ kind }) => kind === "word").map(({ text }) => text)
      assert.deepStrictEqual(words, ["select", ...columns.flatMap((_, at) => ["as", `c${at}`])], sql)
    }
  })

  it("reads a megabyte without a stack of that depth", () => {
    const long = "x''y".repeat(250_000)
    for (const sql of [`select '${long}'`, `select e'${long}'`, `select /* ${long} */ 1`, `select "${long}`]) {
      assert.isAtMost(tokenize(sql).length, 4)
    }
  })
})

describe("StatementTexts", () => {
  it("keeps what is in use, forgets the rest, and remembers no long text", () => {
    let made = 0
    const texts = new StatementTexts((sql) => ({ sql, nth: made++ }))
    const hot = texts.get("select hot")
    for (let n = 0; n < 50_000; n++) {
      texts.get(`select ${n}`)
      if (n % 1000 === 0) assert.strictEqual(texts.get("select hot"), hot)
    }
    assert.isAtMost(texts.size, 8192)
    const long = "x".repeat(8193)
    assert.notStrictEqual(texts.get(long), texts.get(long))
    for (let n = 0; n < 5000; n++) texts.get(`${n} ${"y".repeat(8000)}`)
    assert.isAtMost(texts.size, 600)
  })
})
