/** How the change log itself does. Where there is none the first column is null. */
import { internalSchema } from "./internalSchema.ts"
import { isoInstant } from "./ServerFacts.ts"

export interface ChangeLogState {
  readonly bytes: bigint
  readonly rows: bigint
  /** When it was last emptied of what everybody has seen. */
  readonly sweptAt: string | null
}

export const changeLogPresent = `select to_regclass('${internalSchema}.change') is not null as present`

export const changeLogState = `
select pg_total_relation_size('${internalSchema}.change') as bytes,
  (select count(*) from ${internalSchema}.change) as rows,
  (select ${isoInstant("max(at)")} from ${internalSchema}.tick) as "sweptAt"`
