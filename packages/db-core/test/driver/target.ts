/** The ways to a database that every case of the driver suite runs over. */
import { createTestDatabase, startNeonStandIn, startPgBouncer } from "@ems/db-testing"
import type { Input } from "../../src/config/DbConfig.ts"

export interface TestTarget {
  readonly input: Input
  /** SQL over an independent client; absent where there is no server to connect to. */
  readonly admin:
    | ((sql: string, parameters?: ReadonlyArray<unknown>) => Promise<Array<Record<string, unknown>>>)
    | undefined
  readonly close: () => Promise<void>
}

export const targets = {
  tcp: async (): Promise<TestTarget> => {
    const database = await createTestDatabase()
    return { input: { url: database.url }, admin: database.admin, close: database.close }
  },
  neon: async (): Promise<TestTarget> => {
    const database = await createTestDatabase()
    const proxy = await startNeonStandIn({ postgresUrl: database.url })
    return {
      input: { url: database.url, transport: "neon", neonProxy: `${proxy.host}:${proxy.port}/v2` },
      admin: database.admin,
      close: async () => {
        await proxy.close()
        await database.close()
      }
    }
  },
  pgbouncer: async (): Promise<TestTarget> => {
    const database = await createTestDatabase()
    const pooler = await startPgBouncer({ postgresUrl: database.url })
    return {
      input: { url: pooler.url, directUrl: database.url },
      admin: database.admin,
      close: async () => {
        await pooler.close()
        await database.close()
      }
    }
  },
  embedded: async (): Promise<TestTarget> => ({
    input: { url: "pglite:memory" },
    admin: undefined,
    close: async () => {}
  })
} as const

export type TargetName = keyof typeof targets
