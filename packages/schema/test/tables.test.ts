import { getTableConfig } from "drizzle-orm/pg-core"
import { describe, expect, expectTypeOf, it } from "vitest"
import { adminRole, eventStatus, type NewUser, paymentStatus, relations, tables, type User } from "../src/index.ts"

const configs = Object.values(tables).map((table) => getTableConfig(table))

describe("tables", () => {
  it("are the six of the product", () => {
    expect(configs.map((config) => config.name).toSorted()).toStrictEqual([
      "admin_users",
      "events",
      "payment_history",
      "refresh_tokens",
      "registrations",
      "users"
    ])
  })

  it("have a generated bigint key, and the database's times", () => {
    for (const { columns, name } of configs) {
      const id = columns.find((column) => column.name === "id")
      expect(id, name).toMatchObject({ primary: true, notNull: true, generatedIdentity: { type: "always" } })
      expect(id?.getSQLType()).toBe("bigint")
      for (const instant of ["created_at", "updated_at"]) {
        expect(columns.find((column) => column.name === instant), `${name}.${instant}`)
          .toMatchObject({ notNull: true, hasDefault: true })
      }
    }
  })

  it("keep every instant with its time zone, and money in whole minor units beside its currency", () => {
    for (const { columns, name } of configs) {
      for (const column of columns) {
        const type = column.getSQLType()
        if (type.startsWith("timestamp")) expect(type, `${name}.${column.name}`).toBe("timestamp with time zone")
        if (column.name.endsWith("_minor")) {
          expect(type).toBe("bigint")
          expect(columns.find((other) => other.name === "currency")?.getSQLType()).toBe("char(3)")
        }
      }
    }
  })

  it("show a random public key for what callers name", () => {
    const withPublicId = configs.filter(({ columns }) => columns.some((column) => column.name === "public_id"))
    expect(withPublicId.map((config) => config.name)).toStrictEqual(["users", "events", "registrations"])
    for (const { columns } of withPublicId) {
      expect(columns.find((column) => column.name === "public_id")).toMatchObject({ notNull: true, isUnique: true })
    }
  })

  it("state what happens to the rows that refer to a deleted one", () => {
    const actions = configs.flatMap(({ foreignKeys, name }) =>
      foreignKeys.map((key) => [`${name}.${key.reference().columns[0]?.name}`, key.onDelete])
    )
    expect(Object.fromEntries(actions)).toStrictEqual({
      "events.organizer_id": "restrict",
      "registrations.user_id": "restrict",
      "registrations.event_id": "restrict",
      "payment_history.registration_id": "restrict",
      "refresh_tokens.admin_user_id": "cascade"
    })
  })

  it("name every check after their table", () => {
    for (const { checks, name } of configs) {
      expect(checks.length, name).toBeGreaterThan(0)
      for (const check of checks) expect(check.name.startsWith(`${name}_`), check.name).toBe(true)
    }
  })

  it("cannot be given a key, and give it as bigint", () => {
    expectTypeOf<User["id"]>().toEqualTypeOf<bigint>()
    expectTypeOf<NewUser>().not.toHaveProperty("id")
    expectTypeOf<User["createdAt"]>().toEqualTypeOf<Date>()
  })

  it("are all reachable by relations", () => {
    expect(Object.keys(relations).toSorted()).toStrictEqual(Object.keys(tables).toSorted())
    for (const table of Object.values(relations)) expect(Object.keys(table.relations)).not.toHaveLength(0)
  })
})

describe("enums", () => {
  it("have their values in order", () => {
    expect(eventStatus.enumValues).toStrictEqual(["draft", "published", "cancelled", "completed"])
    expect(paymentStatus.enumValues).toStrictEqual(["pending", "paid", "failed", "refunded"])
    expect(adminRole.enumValues).toStrictEqual(["viewer", "operator", "admin"])
  })
})
