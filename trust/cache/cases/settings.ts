/** Settings of a session: the same text, asked over a connection on which somebody left one. */
import { type Case, column, expect } from "./Case.ts"
import type { Build } from "./Drizzle.ts"
import { readU, text } from "./queries.ts"
import type { Stage } from "./Stage.ts"

const otherSchema = [
  "create schema other",
  "create table other.u (id int primary key, v int not null)",
  "insert into other.u values (1, 7)",
  `do $$ begin create role trust_stranger; exception when others then null; end $$`,
  "create schema trust_stranger",
  "create table trust_stranger.u as select 1 as id, 7 as v",
  "grant usage on schema trust_stranger to trust_stranger",
  "grant select on trust_stranger.u to trust_stranger",
  `create function factor() returns int stable language sql as
     $$select coalesce(nullif(current_setting('app.factor', true), ''), '1')::int$$`
]

/** Wherever a setting went, the cache must say what the connections say. */
const agrees = async (stage: Stage, query: Build): Promise<void> => {
  for (let round = 0; round < 3; round++) {
    const right = column(await stage.subject.uncached(query))
    expect(`round ${round}`, column(await stage.subject.read(query)), right)
  }
}

/** On the only connection of a pool. */
const settingOf = (id: string, name: string, setting: string, query: Build): Case => ({
  id,
  name,
  max: 1,
  setup: otherSchema,
  run: async (stage) => {
    const before = column(await stage.subject.read(query))
    await stage.subject.read(query)
    await stage.subject.write(text(`set ${setting}`))
    await agrees(stage, query)
    await stage.subject.write(text(`reset ${setting.split(" ")[0]}`))
    await agrees(stage, query)
    expect("reset", column(await stage.subject.read(query)), before)
  }
})

export const settings: ReadonlyArray<Case> = [
  settingOf("l128", "SET search_path on a connection of the pool", "search_path = other, public", readU()),
  settingOf("l129", "SET timezone", "timezone = 'Asia/Kolkata'", text("select at::text as v from t where id = 1")),
  settingOf("l130", "SET datestyle", "datestyle = 'German'", text("select at::date::text as v from t where id = 1")),
  settingOf("l131", "SET bytea_output", "bytea_output = 'escape'", text("select bytes::text as v from t where id = 1")),
  settingOf(
    "l132",
    "SET of a setting of one's own, which a function reads",
    "app.factor = '5'",
    text("select v * factor() as v from t where id = 1")
  ),
  settingOf("l133", "SET ROLE, to one whose own schema comes first", "role = trust_stranger", readU()),
  {
    id: "l134",
    name: "set_config('search_path', …) in a SELECT",
    max: 1,
    setup: otherSchema,
    run: async (stage) => {
      await stage.fill(readU())
      await stage.subject.uncached(text("select set_config('search_path', 'other, public', false)"))
      await agrees(stage, readU())
    }
  }
]
