/** The caches side by side. Each is loaded alone, so that none pays for another's start. */
import type { Contestant } from "../Subject.ts"

const loaders: Readonly<Record<string, () => Promise<Contestant>>> = {
  "drizzle-0.45.4": async () => (await import("./drizzle045.ts")).drizzle045,
  "drizzle-1.0-rc.5": async () => (await import("./drizzleRc.ts")).drizzleRc,
  "ems bounded": async () => (await import("./ems.ts")).emsBounded,
  "ems strong": async () => (await import("./ems.ts")).emsStrong,
  memo: async () => (await import("./memo.ts")).memo,
  "no cache": async () => (await import("./drizzleRc.ts")).noCache
}

export const loadContestants = (names: ReadonlyArray<string> = Object.keys(loaders)): Promise<Array<Contestant>> =>
  Promise.all(names.map((name) => {
    const load = loaders[name]
    if (load === undefined) throw new Error(`no such cache: ${name}`)
    return load()
  }))
