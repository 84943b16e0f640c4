import { connect } from "@ems/db-testing"
import { describe, expect } from "vitest"
import type { CatalogQuery } from "../../src/catalog/CatalogQuery.ts"
import { indexBloat } from "../../src/catalog/indexBloat.ts"
import { indexBloatConfirmed } from "../../src/catalog/indexBloatConfirmed.ts"
import { indexUsage } from "../../src/catalog/indexUsage.ts"
import { invalidConstraints } from "../../src/catalog/invalidConstraints.ts"
import { redundantIndexes } from "../../src/catalog/redundantIndexes.ts"
import { sizes } from "../../src/catalog/sizes.ts"
import { spaceChecks } from "../../src/catalog/spaceChecks.ts"
import { tableActivity } from "../../src/catalog/tableActivity.ts"
import { tableBloat } from "../../src/catalog/tableBloat.ts"
import { tableBloatConfirmed } from "../../src/catalog/tableBloatConfirmed.ts"
import { unindexedForeignKeys } from "../../src/catalog/unindexedForeignKeys.ts"
import { situation } from "./support.ts"

const queries: ReadonlyArray<CatalogQuery<unknown>> = [
  ...spaceChecks.map(({ query }) => query),
  sizes,
  tableActivity,
  indexUsage,
  tableBloatConfirmed,
  indexBloatConfirmed
]

const tables = [
  "create table parent (id int primary key)",
  "create table t (id int primary key, p int references parent, v int, w text)",
  "insert into parent values (1)",
  "insert into t select g, 1, g, g from generate_series(1, 2000) g",
  "create index t_p on t (p) where p is not null",
  "create index t_v on t (v) where w is not null",
  "create index t_v_again on t (v) where w is not null",
  "create index t_expression on t ((v + 1))",
  "alter table t add constraint positive check (v > 0) not valid",
  "delete from t where id % 4 > 0",
  "vacuum analyze"
]

describe("users' relations", () => {
  situation("none of the queries waits behind one that is locked exclusively", async ({ admin, rows, url }) => {
    await admin("create extension pgstattuple", ...tables)
    expect(await rows(redundantIndexes)).toMatchObject([{ name: "t_v_again" }])
    const other = await connect(url)
    try {
      await other.query("begin; lock table t in access exclusive mode")
      for (const query of queries) await rows(query)
      expect(await rows(redundantIndexes)).toEqual([])
      expect(await rows(unindexedForeignKeys)).toEqual([])
      expect(await rows(invalidConstraints)).toMatchObject([{ name: "positive", definition: null }])
      expect((await rows(indexUsage)).map(({ definition, name }) => `${name} ${definition === null}`)).toEqual(
        ["parent_pkey false", "t_expression true", "t_p true", "t_pkey true", "t_v true", "t_v_again true"]
      )
      expect((await rows(tableBloatConfirmed)).map(({ table }) => table)).not.toContain("t")
    } finally {
      await other.end()
    }
    expect((await rows(tableBloatConfirmed)).map(({ table }) => table)).toContain("t")
  }, { embedded: false })

  situation("neither temporary ones nor Postgres's own are among them", async ({ admin, rows }) => {
    await admin("create temporary table brief (id int)", "create schema other", "create table other.t (id int)")
    const seen = async <Row extends { readonly schema: string; readonly table: string }>(query: CatalogQuery<Row>) =>
      (await rows(query)).map(({ schema, table }) => `${schema}.${table}`)
    expect(await seen(sizes)).toEqual(["other.t"])
    expect(await seen(tableActivity)).toEqual(["other.t"])
    await admin("drop table if exists brief", "drop schema other cascade")
  })

  situation("those of an extension are not", async ({ admin, rows }) => {
    await admin(...tables)
    expect(await rows(indexBloat)).not.toEqual([])
    const names = async () => (await rows(indexUsage)).map(({ name }) => name)
    expect(await names()).toContain("t_v")
    await admin("create extension if not exists plpgsql", "alter extension plpgsql add table t")
    expect(await names()).toEqual(["parent_pkey"])
    expect((await rows(tableBloat)).map(({ table }) => table)).toEqual(["parent"])
    await admin("alter extension plpgsql drop table t")
  })
})
