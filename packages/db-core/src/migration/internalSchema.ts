/**
 * Makes the schema for everything the data layer keeps in a database.
 */
import { internalSchema } from "../catalog/internalSchema.ts"

/** Run again, it changes nothing. One statement each: the extended protocol takes no more. */
export const internalSchemaSql: ReadonlyArray<string> = [
  `create schema if not exists ${internalSchema}`,
  `comment on schema ${internalSchema} is 'Records of the ems data layer: change log, operation keys, jobs, audit and statistics. Managed by emsdb init.'`
]
