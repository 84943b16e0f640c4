/** What happens when tables, roles and the topology change under a running program. */
import { on } from "@ems/db-testing/WireProxy"
import { role } from "../Arena.ts"
import { type Fault, noUnknown, only } from "./Fault.ts"
import { refusing } from "./triggers.ts"

const writes = { kinds: ["insert", "transaction"] } as const

const changed = (id: string, name: string, change: string, back: string, code: string, load: Fault["load"]): Fault => ({
  id,
  name,
  ...(load === undefined ? {} : { load }),
  inject: async (arena) => {
    const said = arena.said(code)
    await arena.alter(change)
    await arena.window({ offered: 60 })
    return said.fired
  },
  heal: (arena) => arena.alter(back),
  expect: only(code)
})

export const schemaFaults: ReadonlyArray<Fault> = [
  {
    id: "F69",
    name: "25006: the session is read-only",
    load: { kinds: ["insert", "transaction", "read"] },
    inject: async (arena) => {
      const said = arena.said("25006")
      await arena.afresh(() => arena.sql(`alter role ${role} set default_transaction_read_only = on`))
      await arena.window({ offered: 60 })
      return said.fired
    },
    heal: async (arena) => {
      await arena.afresh(() => arena.sql(`alter role ${role} reset default_transaction_read_only`))
    }
  },
  {
    id: "F72",
    name: "0A000: a column changes its type under prepared statements",
    inject: (arena) => {
      let wide = false
      return arena.repeat(60, 8, async () => {
        wide = !wide
        await arena.alter(`alter table h alter column worker type ${wide ? "int8" : "int4"}`)
        return 1
      })
    },
    heal: (arena) => arena.alter("alter table h alter column worker type int4"),
    expect: noUnknown
  },
  {
    id: "F73",
    name: "26000: prepared statements vanish",
    inject: (arena) => arena.rule(on.statement(/^\s*(insert|select)/i), { do: "ask", sql: "deallocate all" }),
    expect: noUnknown
  },
  changed("F75", "42501: REVOKE", `revoke insert on h from ${role}`, `grant insert on h to ${role}`, "42501", writes),
  changed(
    "F74",
    "42703: a column is dropped",
    "alter table h rename worker to gone",
    "alter table h rename gone to worker",
    "42703",
    writes
  ),
  changed(
    "F74b",
    "42P01: the table is renamed",
    "alter table h rename to gone",
    "alter table gone rename to h",
    "42P01",
    writes
  ),
  {
    id: "F76",
    name: "28P01: the password changes",
    inject: async (arena) => {
      const said = arena.said("28P01")
      await arena.sql(
        `create table if not exists secret as select rolpassword from pg_authid where rolname = '${role}'`
      )
      await arena.afresh(() => arena.sql(`alter role ${role} password 'rotated'`))
      await arena.window({ offered: 60, atLeastMs: 300 })
      return said.fired
    },
    heal: (arena) =>
      arena.sql(`
        do $$ begin execute format('alter role ${role} password %L', (select rolpassword from secret)); end $$;
        drop table secret`)
  },
  {
    id: "F77",
    name: "28000: NOLOGIN",
    inject: async (arena) => {
      const said = arena.said("28000")
      await arena.afresh(() => arena.sql(`alter role ${role} nologin`))
      await arena.window({ offered: 60, atLeastMs: 300 })
      return said.fired
    },
    heal: (arena) => arena.sql(`alter role ${role} login`)
  },
  {
    id: "F78",
    name: "3D000: the database is renamed",
    inject: async (arena) => {
      const said = arena.said("3D000")
      arena.cluster.forget()
      const rename = async (from: string, to: string) => {
        // A login that has just begun counts as a user of the database.
        for (let tries = 0;; tries++) {
          arena.proxy.cutAll("end")
          try {
            return await arena.cluster.server(`
              select pg_terminate_backend(pid) from pg_stat_activity where datname = '${from}';
              alter database ${from} rename to ${to}`)
          } catch (error) {
            if (tries > 60) throw error
            await arena.sleep(30)
          }
        }
      }
      await arena.proxy.setConnect("reset")
      await rename("trust", "elsewhere")
      await arena.proxy.setConnect("accept")
      await arena.window({ offered: 60, atLeastMs: 300 })
      await arena.cluster.server("alter database elsewhere rename to trust")
      return said.fired
    }
  },
  {
    id: "F106",
    name: "23502: the server's detail holds the row",
    load: writes,
    before: (arena) => arena.sql("alter table h add column needed text not null default ''"),
    inject: async (arena) => {
      const said = arena.said("23502")
      await arena.sql("alter table h alter column needed drop default")
      await arena.window({ offered: 60 })
      return said.fired
    },
    heal: (arena) => arena.sql("alter table h alter column needed set default ''"),
    expect: only("23502")
  },
  {
    id: "F107",
    name: "23505: the server's detail holds the key",
    load: writes,
    inject: async (arena) => {
      const said = arena.said("23505")
      // Rows that are there already all begin alike: only later ones may collide.
      await arena.sql(`do $$ begin
        execute format('create unique index one on h (left(id, 12)) where at > %L', clock_timestamp());
      end $$`)
      await arena.window({ offered: 60 })
      return said.fired
    },
    heal: (arena) => arena.sql("drop index one"),
    expect: only("23505")
  },
  {
    id: "F108",
    name: "the server's own message holds the value",
    load: writes,
    inject: async (arena) => {
      const said = arena.said("P0001")
      await arena.sql(refusing("P0001", "0.5").replace("'refused'", "'refused: %', new.id"))
      await arena.window({ offered: 60 })
      return said.fired
    },
    heal: (arena) => arena.sql("drop trigger refusing on h"),
    expect: only("P0001")
  }
]
