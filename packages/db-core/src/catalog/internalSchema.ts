/**
 * The schema for everything the data layer keeps in a database: one place to grant, dump and drop.
 */
export const internalSchema = "ems_internal"

/** What the triggers are called that write the change log. */
export const changeTrigger = "ems_change"
