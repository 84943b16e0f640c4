/** What the global setup hands to every test; read with `inject`. */
export interface TestServer {
  /** As superuser, to the database `postgres`. */
  readonly postgresUrl: string
  /** The migrated database that test databases are copies of. */
  readonly templateDatabase: string
  /** Test databases begin with it, so that a server of yours can be tidied up. */
  readonly databasePrefix: string
}

declare module "vitest" {
  export interface ProvidedContext extends TestServer {}
}
