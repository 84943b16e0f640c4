/** A server of a test's own: to be ended in the middle, or with nobody on it but who the test connects. */
import { startPostgres } from "@ems/db-testing"
import { withClient } from "@ems/db-testing/Admin"

export const ownServer = async () => {
  const { pid, stop, url } = await startPostgres()
  return {
    url,
    name: "postgres",
    /** Of the postmaster. */
    pid,
    admin: (sql: string, parameters: ReadonlyArray<unknown> = []) =>
      withClient(url, async (client) => (await client.query<Record<string, unknown>>(sql, [...parameters])).rows),
    close: stop
  }
}
