/** A database whose names try to be something else wherever they are printed. */
import { createTestDatabase } from "@ems/db-testing"

/** Tables without a primary key, and with two equal indexes each. */
export const tables = [
  "line\n::error title=forged::forged\n##[error]forged",
  "\u001B[31mred\u0007\u009B2J",
  "]]></failure><b>&|`x`*_~",
  "{0}[x](https://evil.example)@team #1 www.evil.example",
  "\u202Etxt.exe\u2028\u200B",
  "%0A::warning::forged, x:y",
  "\"; drop table x; --'"
] as const

/** A schema whose name makes a formula of every cell that begins with it. */
export const formula = "=1+cmd|' /C calc'!A0"

const quoted = (name: string) => `"${name.replaceAll("\"", "\"\"")}"`

export const hostileDatabase = async () => {
  const database = await createTestDatabase({ template: false })
  await database.admin(`create schema ${quoted(formula)}`)
  const all = [...tables.map((name) => `public.${quoted(name)}`), `${quoted(formula)}.t`]
  for (const [at, table] of all.entries()) {
    await database.admin(`create table ${table} (id int not null)`)
    await database.admin(`create unique index ${quoted(`one ${tables[at] ?? ""}`.slice(0, 50))} on ${table} (id)`)
    await database.admin(`create unique index ${quoted(`two ${tables[at] ?? ""}`.slice(0, 50))} on ${table} (id)`)
  }
  return database
}

/** What no format for people may hold outside of an escape: a terminal would obey it, or nobody would see it. */
// oxlint-disable-next-line no-control-regex
export const unsafe = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u2028\u2029]/u
