/**
 * The schema for everything the data layer keeps in a database: one place to grant, dump and drop.
 */
export const internalSchema = "ems_internal"

/** Run again, it changes nothing. One statement each: the extended protocol takes no more. */
export const internalSchemaSql: ReadonlyArray<string> = [
  `create schema if not exists ${internalSchema}`,
  `comment on schema ${internalSchema} is 'Records of the ems data layer: change log, operation keys, jobs, audit and statistics. Managed by emsdb init.'`
]
