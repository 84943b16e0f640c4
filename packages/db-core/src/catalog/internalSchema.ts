/**
 * The schema for everything the data layer keeps in a database: one place to grant, dump and drop.
 */
export const internalSchema = "ems_internal"

/** What the triggers are called that write the change log. */
export const changeTrigger = "ems_change"

/** What those triggers do. One that does something else notes nothing that can be relied on. */
export const markSource = `
begin
  insert into ${internalSchema}.change values (tg_relid, pg_catalog.pg_current_xact_id());
  return null;
end `
