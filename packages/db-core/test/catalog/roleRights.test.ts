import { describe, expect } from "vitest"
import { roleRights } from "../../src/catalog/roleRights.ts"
import { situation } from "./support.ts"

describe("rights of the role", () => {
  situation("a superuser has them all", async ({ admin, rows }) => {
    await admin("create table t (id int)")
    expect(await rows(roleRights)).toMatchObject([{
      isSuperuser: true,
      connectionLimit: -1,
      validUntil: null,
      createsSchemas: true,
      schema: "public",
      createsTables: true,
      tables: 1,
      ownedByOthers: 0,
      unreadable: 0,
      unwritable: 0,
      owners: [],
      readsAllStats: true,
      signalsBackends: true
    }])
  })
})
