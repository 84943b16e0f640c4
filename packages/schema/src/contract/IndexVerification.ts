/** `emsdb indexes verify --json`: the indexes of the database held against those that the product defines. */
import * as Schema from "effect/Schema"
import { MaintenancePlan } from "./Maintenance.ts"
import { Count, Text } from "./Scalars.ts"

export const IndexVerification = Schema.Struct({
  indexes: MaintenancePlan.fields.indexes,
  /** How many are in each state. */
  summary: Schema.Struct({
    present: Count,
    missing: Count,
    invalid: Count,
    drifted: Count,
    extra: Count,
    building: Count
  }),
  /** What could not be compared, or waits for something; why. */
  notes: Schema.Array(Text)
})
export type IndexVerification = typeof IndexVerification.Type
