/** i: what a row's reader may see depends on who reads. */
import { type Case, column, expect, Wrong } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { plainRole } from "./plainRole.ts"
import { readT, setU, text } from "./queries.ts"

const readSecrets: Build = (db, { secrets }) => db.select().from(secrets).orderBy(secrets.id)

export const rowSecurity: ReadonlyArray<Case> = [
  {
    id: "i1",
    name: "the same query under another app.tenant",
    plainRole: true,
    run: async ({ subject }) => {
      for (const tenant of ["a", "b", "a", "b"]) {
        expect(
          `tenant ${tenant}`,
          column(await subject.readAs({ "app.tenant": tenant }, readSecrets), "body"),
          [`of ${tenant}`]
        )
      }
      expect("nobody", await subject.read(readSecrets), [])
    }
  },
  {
    id: "l68",
    name: "the tenant set by SET LOCAL in the caller's own transaction",
    plainRole: true,
    run: async ({ subject }) => {
      for (const tenant of ["a", "b"]) {
        const rows = await subject.transaction(async (tx) => {
          await tx.write(text(`set local app.tenant = '${tenant}'`))
          return tx.read(readSecrets)
        })
        expect(`tenant ${tenant}`, column(rows, "body"), [`of ${tenant}`])
      }
      expect("nobody", await subject.read(readSecrets), [])
    }
  },
  {
    id: "l69",
    name: "each tenant's rows are written by somebody else",
    plainRole: true,
    run: async (stage) => {
      for (const tenant of ["a", "b"]) {
        const read = () => stage.subject.readAs({ "app.tenant": tenant }, readSecrets)
        await stage.fillBy(read, readSecrets)
        await stage.outsider(`update secrets set body = 'new of ${tenant}' where tenant = '${tenant}'`)
        await stage.settle()
        expect(`tenant ${tenant}`, column(await read(), "body"), [`new of ${tenant}`])
      }
    }
  },
  {
    id: "l70",
    name: "a policy is changed",
    plainRole: true,
    run: async (stage) => {
      const read = () => stage.subject.readAs({ "app.tenant": "a" }, readSecrets)
      await stage.fillBy(read, readSecrets)
      await stage.outsider("alter policy own on secrets using (tenant = 'b')")
      await stage.settle()
      expect("afterwards", column(await read(), "body"), ["of b"])
    }
  },
  {
    id: "l71",
    name: "row security is switched on for a table that had none",
    plainRole: true,
    run: async (stage) => {
      await stage.fill(readT())
      await stage.outsider("alter table t enable row level security")
      await stage.settle()
      expect("afterwards", await stage.subject.read(readT()), [])
    }
  },
  {
    id: "l72",
    name: "a policy that reads another table, which the same process writes",
    plainRole: true,
    setup: ["alter policy own on secrets using (id in (select u.v from u))"],
    run: async (stage) => {
      const read = () => stage.subject.readAs({ "app.tenant": "a" }, readSecrets)
      expect("before", column(await stage.fillBy(read, readSecrets), "id"), [1, 2])
      await stage.subject.write(setU(5))
      expect("at once", column(await read(), "id"), [2])
    }
  },
  {
    id: "l73",
    name: "two roles: who may not read a table gets no row of it",
    alone: true,
    setup: [`do $$ begin create role trust_stranger; exception when others then null; end $$`],
    run: async (stage) => {
      await stage.fill(readT())
      const told = await stage.subject.transaction(async (tx) => {
        await tx.write(text("set local role trust_stranger"))
        return tx.read(readT())
      }).then((rows) => rows.length, () => "refused")
      if (told !== "refused") throw new Wrong(`${told} rows were read by a role without the right`)
    }
  },
  {
    id: "l74",
    name: "the right to read is revoked",
    plainRole: true,
    run: async (stage) => {
      await stage.fill(readT())
      await stage.outsider(`revoke select on t from ${plainRole}`)
      await stage.settle()
      const told = await stage.subject.read(readT()).then((rows) => rows.length, () => "refused")
      expect("afterwards", told, "refused")
    }
  }
]
