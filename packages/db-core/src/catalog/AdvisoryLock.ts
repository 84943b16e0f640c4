/** Session locks by a number, as `pg_locks` shows them. */

/** A condition on `pg_locks` under an alias: somebody has the lock of that number in this database. */
export const isHeld = (alias: string, key: string): string =>
  `${alias}.locktype = 'advisory' and ${alias}.granted and ${alias}.objsubid = 1
  and ${alias}.database = (select d.oid from pg_database d where d.datname = current_database())
  and (${alias}.classid::int8 << 32) | ${alias}.objid::int8 = ${key}`
