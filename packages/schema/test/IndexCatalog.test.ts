import { sql } from "drizzle-orm"
import {
  type AnyIndexBuilder,
  type ExtraConfigColumn,
  getTableConfig,
  index,
  integer,
  pgSchema,
  pgTable,
  text,
  uniqueIndex
} from "drizzle-orm/pg-core"
import { describe, expect, it } from "vitest"
import { declaredIndexes, indexCatalog, tables } from "../src/index.ts"

/** The promise to users, written by hand: table, then name and columns. */
const promised = {
  users: { idx_users_email: ["email"], idx_users_created_at: ["created_at"] },
  events: {
    idx_events_date: ["event_date"],
    idx_events_status: ["status"],
    idx_events_organizer: ["organizer_id"],
    idx_events_venue: ["venue"],
    idx_events_price: ["price_minor"],
    idx_events_registration_deadline: ["registration_deadline"]
  },
  registrations: {
    idx_registrations_user_id: ["user_id"],
    idx_registrations_event_id: ["event_id"],
    idx_registrations_payment_status: ["payment_status"],
    idx_registrations_registration_date: ["registration_date"],
    idx_registrations_user_event: ["user_id", "event_id"]
  },
  payment_history: {
    idx_payment_history_registration_id: ["registration_id"],
    idx_payment_history_payment_reference: ["payment_reference"],
    idx_payment_history_status: ["status"],
    idx_payment_history_transaction_date: ["transaction_date"]
  }
}

describe("indexCatalog", () => {
  it("is the 17 promised indexes on their tables and columns", () => {
    const found: Record<string, Record<string, ReadonlyArray<string>>> = {}
    for (const { columns, name, table } of indexCatalog) found[table] = { ...found[table], [name]: columns }
    expect(found).toStrictEqual(promised)
    expect(indexCatalog).toHaveLength(17)
    expect(new Set(indexCatalog.map((entry) => entry.name)).size).toBe(17)
  })

  it("is unique where the promise says so and nowhere else", () => {
    expect(indexCatalog.filter((entry) => entry.unique).map((entry) => entry.name))
      .toStrictEqual(["idx_users_email", "idx_registrations_user_event"])
  })

  it("holds whole B-trees in public", () => {
    for (const entry of indexCatalog) {
      expect(entry).toMatchObject({ schema: "public", method: "btree", predicate: null })
    }
  })

  it("gives a reason for every index that another one covers, and for no other", () => {
    const covered = indexCatalog.filter((entry) =>
      indexCatalog.some((other) =>
        other !== entry && other.table === entry.table && other.columns.length > entry.columns.length
        && entry.columns.every((column, position) => other.columns[position] === column)
      )
    )
    expect(covered.map((entry) => entry.name)).toStrictEqual(["idx_registrations_user_id"])
    expect(indexCatalog.filter((entry) => entry.intentional !== null)).toStrictEqual(covered)
    expect(covered[0]?.intentional).toContain("idx_registrations_user_event")
  })

  it("is plain data", () => {
    expect(JSON.parse(JSON.stringify(indexCatalog))).toStrictEqual(indexCatalog)
  })

  it("leaves out only the look-ups of the refresh tokens", () => {
    const names = new Set(indexCatalog.map((entry) => entry.name))
    expect(declaredIndexes(Object.values(tables)).map((entry) => entry.name).filter((name) => !names.has(name)))
      .toStrictEqual([
        "refresh_tokens_admin_user_id_idx",
        "refresh_tokens_family_id_idx",
        "refresh_tokens_expires_at_idx"
      ])
  })

  it("serves every foreign key: an index or a constraint begins with its columns", () => {
    for (const table of Object.values(tables)) {
      const { foreignKeys, name } = getTableConfig(table)
      for (const key of foreignKeys) {
        const columns = key.reference().columns.map((column) => column.name)
        const serving = declaredIndexes([table]).filter((entry) =>
          columns.every((column, position) => entry.columns[position] === column)
        )
        expect(serving, `${name} (${columns.join(", ")})`).not.toHaveLength(0)
      }
    }
  })
})

describe("declaredIndexes", () => {
  type On = (t: { readonly a: ExtraConfigColumn }) => Array<AnyIndexBuilder>
  const declare = (on: On) => declaredIndexes([pgTable("t", { a: text("a") }, on)])

  it("follows the table: another index there is another entry", () => {
    expect(declare((t) => [uniqueIndex("idx_t_a").on(t.a)])).toStrictEqual([{
      name: "idx_t_a",
      schema: "public",
      table: "t",
      columns: ["a"],
      unique: true,
      method: "btree",
      predicate: null,
      intentional: null
    }])
  })

  it("writes order, nulls and operator class only where they are not what Postgres assumes", () => {
    const columns = (on: On) => declare(on)[0]?.columns
    expect(columns((t) => [index("i").on(t.a.asc())])).toStrictEqual(["a"])
    expect(columns((t) => [index("i").on(t.a.desc().nullsFirst())])).toStrictEqual(["a DESC"])
    expect(columns((t) => [index("i").on(t.a.desc())])).toStrictEqual(["a DESC NULLS LAST"])
    expect(columns((t) => [index("i").on(t.a.nullsFirst())])).toStrictEqual(["a NULLS FIRST"])
    expect(columns((t) => [index("i").on(t.a.op("text_pattern_ops"))])).toStrictEqual(["a text_pattern_ops"])
  })

  it("writes expressions and predicates without the table's name", () => {
    const [entry] = declare((t) => [index("i").on(sql`lower(${t.a})`).where(sql`${t.a} is not null`)])
    expect(entry).toMatchObject({ columns: ["(lower(\"a\"))"], predicate: "\"a\" is not null" })
  })

  it("knows method and schema", () => {
    const inSchema = pgSchema("other").table("t", { a: integer("a") }, (t) => [index("i").using("brin", t.a)])
    expect(declaredIndexes([inSchema])[0]).toMatchObject({ schema: "other", method: "brin" })
  })

  it("refuses what cannot be built: parameters, and an index without a name", () => {
    expect(() => declare((t) => [index("i").on(t.a).where(sql`${t.a} > ${"x"}`)])).toThrow("cannot have parameters")
    expect(() => declare((t) => [index().on(t.a)])).toThrow("has no name")
  })
})
