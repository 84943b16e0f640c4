/** The layers by name; each is loaded alone. */
import type { CacheContender, CacheContenderName, CacheOptions } from "../Contender.ts"

const modules: Readonly<
  Record<CacheContenderName, () => Promise<{ readonly open: (options: CacheOptions) => Promise<CacheContender> }>>
> = {
  ems: () => import("./ems.ts"),
  "drizzle-0.45": () => import("./drizzle045.ts"),
  "drizzle-rc": () => import("./drizzleRc.ts"),
  "no cache": () => import("./noCache.ts")
}

export const openCacheContender = async (name: CacheContenderName, options: CacheOptions): Promise<CacheContender> =>
  (await modules[name]()).open(options)
