/** Plain `pg` connections for the harness: what a test checks must not be asked through the code under test. */
import { Client } from "pg"

export const databaseUrl = (server: string, database: string): string => {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

export const connect = async (url: string): Promise<Client> => {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: "ems-test-oracle"
  })
  // Without a listener the end of a server would be an uncaught exception of the run.
  client.on("error", () => {})
  await client.connect()
  return client
}

export const withClient = async <A>(url: string, use: (client: Client) => Promise<A>): Promise<A> => {
  const client = await connect(url)
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
