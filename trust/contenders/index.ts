/** The data layers side by side. Each is loaded alone, so that none pays for another's start. */
import type { Contender, ContenderName, ContenderOptions } from "./Contender.ts"

export const onBun = process.versions["bun"] !== undefined

const modules: Readonly<
  Record<ContenderName, () => Promise<{ readonly open: (options: ContenderOptions) => Promise<Contender> }>>
> = {
  ems: () => import("./ems.ts"),
  pg: () => import("./pg.ts"),
  "drizzle-0.45": () => import("./drizzle045.ts"),
  "postgres.js": () => import("./postgresjs.ts"),
  "sql-pg+isRetryable": () => import("./sqlPg.ts"),
  "Bun.SQL": () => import("./bunSql.ts")
}

export const openContender = async (name: ContenderName, options: ContenderOptions): Promise<Contender> =>
  (await modules[name]()).open(options)
