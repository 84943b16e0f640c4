/** Samples of days that have not passed: taken now, and dated back. */
import { defineRelations } from "drizzle-orm"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { expect } from "vitest"
import * as Samples from "../../src/catalog/ObjectSamples.ts"
import * as DbCore from "../../src/DbCore.ts"
import * as Store from "../../src/migration/ObjectSamples.ts"
import type { Stage } from "./support.ts"

export const table = "ems_internal.object_sample"

/** An empty store, also where another situation left one. */
export const keep = async ({ admin, run }: Pick<Stage, "admin" | "run">): Promise<void> => {
  await run(Store.install)
  await admin(`delete from ${table}`)
}

export const look = ({ run }: Pick<Stage, "run">) => run(Samples.sample({ intervalMs: 0 }))

/** Looks now, and says that it was so many hours ago. */
export const lookAgo = async (stage: Pick<Stage, "admin" | "run">, hours: number): Promise<void> => {
  expect(await look(stage)).toMatchObject({ _tag: "Sampled" })
  await stage.admin(
    `update ${table} set at = at - interval '${hours} hours' where at = (select max(at) from ${table})`
  )
}

const relations = defineRelations({}, () => ({}))

export const open = (url: string) => ManagedRuntime.make(DbCore.layerOf(relations, { url, cacheFeed: "none" }))
