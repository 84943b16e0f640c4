/** What the global setup hands to every test; read with `inject`. */
export interface TestServer {
  /** As superuser, to the database `postgres`. */
  readonly postgresUrl: string
  /** The same of the oldest version that is supported; undefined where it is not installed. */
  readonly postgres15Url: string | undefined
  /** The migrated database that test databases are copies of. */
  readonly templateDatabase: string
  /** Test databases begin with it, so that a server of yours can be tidied up. */
  readonly databasePrefix: string
}

declare module "vitest" {
  export interface ProvidedContext extends TestServer {}
}
