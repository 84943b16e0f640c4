/** Every rule finds its bad example, is silent about its rewrite, about tables nobody uses, and when it is told to be. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest"
import { lint, lintRules } from "../../src/migration/MigrationLint.ts"
import * as Migrator from "../../src/migration/Migrator.ts"
import { breakpoint, folderOf, nameOf, type Runner, runner } from "./support.ts"

const setup = `
create table t (id int primary key, v int, w varchar(20), n numeric(8, 2), b bool);
create table u (id int primary key, t_id int);
create table empty (id int, v int);
create index t_v on t (v);
create materialized view m as select id from t;
create unique index m_id on m (id);
insert into t select n, n, 'x', 1, true from generate_series(1, 20000) n;
insert into u select n, n from generate_series(1, 100) n;
refresh materialized view m;
analyze`

interface Example {
  readonly rule: string
  readonly bad: string
  /** Default: what the rule says to write instead, which then also has to run. */
  readonly good?: string
}

const examples: ReadonlyArray<Example> = [
  { rule: "require-concurrent-index-creation", bad: "create index i on t (v)" },
  { rule: "require-concurrent-index-creation", bad: "create unique index if not exists i on public.t (id)" },
  { rule: "require-concurrent-index-deletion", bad: "drop index t_v" },
  { rule: "require-concurrent-reindex", bad: "reindex table t" },
  {
    rule: "changing-column-type",
    bad: "alter table t alter column v type bigint",
    good: "alter table t alter column w type varchar(40)"
  },
  {
    rule: "changing-column-type",
    bad: "alter table t alter column w type varchar(10)",
    good: "alter table t alter column w type text"
  },
  {
    rule: "changing-column-type",
    bad: "alter table t alter column n type numeric(9, 3)",
    good: "alter table t alter column n type numeric(9, 2)"
  },
  {
    rule: "changing-column-type",
    bad: "alter table t alter column v type text using v::text",
    good: "alter table t alter column n type numeric"
  },
  { rule: "adding-not-nullable-field", bad: "alter table t alter column v set not null" },
  { rule: "adding-required-field", bad: "alter table t add column c int not null" },
  {
    rule: "adding-field-with-default",
    bad: "alter table t add column c float default random()",
    good: "alter table t add column c timestamptz not null default now()"
  },
  { rule: "adding-field-with-default", bad: "alter table t add column c uuid default gen_random_uuid()" },
  {
    rule: "adding-field-with-default",
    bad: "alter table t add column c int generated always as (v + 1) stored",
    good: "alter table t add column c int default 7"
  },
  {
    rule: "adding-field-with-default",
    bad: "alter table t add column c bigserial",
    good: "alter table t add column c bigint"
  },
  { rule: "adding-field-with-default", bad: "alter table t add column c int generated always as identity" },
  { rule: "table-rewrite", bad: "alter table t set unlogged", good: "alter table t set (fillfactor = 90)" },
  {
    rule: "adding-foreign-key-constraint",
    bad: "alter table u add constraint u_t foreign key (t_id) references t (id)"
  },
  {
    rule: "adding-foreign-key-constraint",
    bad: "alter table u add column c int references t (id)",
    good: "alter table u add column c int"
  },
  { rule: "constraint-missing-not-valid", bad: "alter table t add constraint c check (v > 0)" },
  { rule: "disallowed-unique-constraint", bad: "alter table t add constraint c unique (v)" },
  { rule: "disallowed-unique-constraint", bad: "alter table t add unique (v, w)" },
  { rule: "ban-drop-column", bad: "alter table t drop column v", good: "alter table t alter column v drop not null" },
  { rule: "ban-drop-table", bad: "drop table u", good: "drop table empty" },
  { rule: "renaming-in-use", bad: "alter table u rename to users", good: "alter table empty rename to users" },
  {
    rule: "renaming-in-use",
    bad: "alter table t rename column v to value",
    good: "alter table t rename constraint t_pkey to t_key"
  },
  { rule: "unbatched-update", bad: "update t set v = 1", good: "update t set v = 1 where id = 1" },
  { rule: "unbatched-update", bad: "delete from t", good: "delete from u" },
  { rule: "long-access-exclusive", bad: "vacuum full t", good: "vacuum t" },
  { rule: "long-access-exclusive", bad: "cluster t using t_v", good: "vacuum (analyze) t" },
  { rule: "long-access-exclusive", bad: "refresh materialized view m" },
  {
    rule: "lock-held-over-slow-statement",
    bad: `alter table t add column c int;${breakpoint}update t set c = 1 where id < 5`,
    good:
      `alter table t add column c int;${breakpoint}create index concurrently i on t (v);${breakpoint}update t set c = 1 where id < 5`
  }
]

describe.each(["18", "15"])("the lint on Postgres %s", (server) => {
  const isMissing = server === "15" && inject("postgres15Url") === undefined
  let database: TestDatabase
  let one: Runner
  beforeEach(async (ctx) => {
    if (isMissing) return ctx.skip("Postgres 15 is not installed")
    database = await createTestDatabase({ template: false, oldest: server === "15" })
    await database.admin(setup.replace(/refresh[^;]*;/, "refresh materialized view m;"))
    one = runner(database.url)
  })
  afterEach(async () => {
    if (isMissing) return
    await one.close()
    await database.close()
  })
  const names = async (text: string) => (await one.run(lint(folderOf(text)))).findings.map(({ name }) => name)

  it("has an example for every rule", () => {
    expect(new Set(examples.map(({ rule }) => rule))).toEqual(new Set(lintRules.map(({ name }) => name)))
  })

  it.each(examples)("$rule: $bad", async ({ bad, good, rule }) => {
    const { findings } = await one.run(lint(folderOf(bad)))
    const found = findings.find(({ name }) => name === rule)
    expect(found, JSON.stringify(findings)).toBeDefined()
    expect(found?.evidence["migration"]).toBe(nameOf(0))
    expect(found?.summary).not.toBe("")
    // Accepted, with a reason only.
    const accepted = await one.run(
      lint(folderOf(
        bad.split(breakpoint).map((each) => `-- ems-lint-ignore ${rule}: at night\n${each}`).join(breakpoint)
      ))
    )
    expect(accepted.findings.map(({ name }) => name)).not.toContain(rule)
    expect(accepted.ignored).toContainEqual(expect.objectContaining({ name: rule, reason: "at night" }))
    expect(await names(`-- ems-lint-ignore ${rule}\n${bad}`)).toContain(rule)
    // The rewrite is no worse, and it runs.
    const rewrite = good ?? found?.remediation ?? ""
    if (good === undefined && rewrite === "") return
    const folder = folderOf(rewrite)
    expect((await one.run(lint(folder))).findings).toEqual([])
    expect((await one.run(Migrator.migrate(folder))).pending).toEqual([])
  })

  it("lets a run do what it likes with tables that it makes, and with empty ones", async () => {
    const text = examples.filter(({ rule }) =>
      !["renaming-in-use", "ban-drop-table", "long-access-exclusive"].includes(rule)
    )
      .map(({ bad }) =>
        bad.replaceAll(/\bt\b/g, "fresh").replaceAll(/\bu\b/g, "fresh2").replaceAll(/\bt_v\b/g, "fresh_v")
      )
    const made =
      "create table fresh (id int primary key, v int, w varchar(20), n numeric(8, 2)); create table fresh2 (id int, t_id int); create index fresh_v on fresh (v);"
    const { findings } = await one.run(lint(folderOf(made, ...text)))
    expect(
      findings.map(({ name, object }) => `${name} ${object.name}`).filter((each) =>
        !each.startsWith("require-concurrent-index-deletion")
      )
    ).toEqual([])
    expect(await names("alter table empty alter column v type text; create index i on empty (v); drop table empty"))
      .toEqual([])
  })

  it("knows the size: what takes longer than a second to read is an error", async () => {
    const severity = async () =>
      (await one.run(lint(folderOf("create index i on t (v)")))).findings.map((
        { evidence, severity: is }
      ) => [is, evidence["rows"]])
    expect(await severity()).toEqual([["warn", 20_000]])
    await database.admin("alter table t add column blob text; alter table t alter column blob set storage external")
    await database.admin("update t set blob = repeat('x', 8000)")
    expect(await severity()).toEqual([["error", 20_000]])
  })

  it("takes SET NOT NULL for instant behind a valid CHECK, in the database or in the run", async () => {
    const alter = "alter table t alter column v set not null"
    await database.admin("alter table t add constraint c check (v is not null) not valid")
    expect(await names(alter)).toEqual(["adding-not-nullable-field"])
    expect(await names(`alter table t validate constraint c; ${alter}`)).toEqual([])
    await database.admin("alter table t validate constraint c")
    expect(await names(alter)).toEqual([])
    expect(await names(`alter table t drop constraint c; ${alter}`)).toEqual(["adding-not-nullable-field"])
  })
})
