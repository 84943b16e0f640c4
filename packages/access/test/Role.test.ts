import { expect, it } from "vitest"
import { everyone, may, readingOnly } from "../src/Principal.ts"
import { includes, roles, scopes, scopesOf } from "../src/Role.ts"
import { principal } from "./support.ts"

it("each role may what the ones before it may, and more", () => {
  expect(roles).toEqual(["viewer", "operator", "admin"])
  const viewer = ["database:read", "metrics:read", "events:read"]
  const operator = [...viewer, "database:maintain", "database:signal", "database:explain"]
  expect([...scopesOf("viewer")]).toEqual(viewer)
  expect([...scopesOf("operator")]).toEqual(operator)
  expect([...scopesOf("admin")]).toEqual([...operator, "access:manage"])
  expect(roles.map((role) => roles.map((needed) => includes(role, needed)))).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true]
  ])
})

it("both the role and the scope have to allow it", () => {
  expect(may(principal("operator"), "operator", "database:maintain")).toBe(true)
  expect(may(principal("operator"), "admin", "database:maintain")).toBe(false)
  expect(may({ ...principal("admin"), scopes: new Set(["metrics:read"]) }, "viewer", "database:read")).toBe(false)
  for (const scope of scopes) expect(may(everyone, "admin", scope)).toBe(true)
})

it("who may only read keeps no more than a viewer has", () => {
  expect(readingOnly(principal("admin"))).toMatchObject({ role: "viewer", scopes: scopesOf("viewer") })
  expect(readingOnly({ ...principal("admin"), scopes: new Set(["access:manage", "events:read"]) }).scopes)
    .toEqual(new Set(["events:read"]))
})
