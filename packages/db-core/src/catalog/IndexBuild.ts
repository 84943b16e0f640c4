/** SQL that tells an index which is being built from one whose build failed: the catalog shows both alike. */

/**
 * The server process that builds or rebuilds the index of that oid now; null when nobody does. Its statement's text
 * does not tell, its progress does; that is shown of the whole server, and databases copied from one have the same oids.
 */
export const builderOf = (oid: string): string =>
  `(select p.pid from pg_stat_progress_create_index p
    where p.index_relid = ${oid} and p.datname = current_database() limit 1)`

/** By its name the twin that REINDEX CONCURRENTLY makes. */
export const isTwin = (name: string): string => `${name} ~ '_cc(new|old)[0-9]*$'`
