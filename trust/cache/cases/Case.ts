/** One situation in which a query cache can be wrong, and what is right in it. */
import { inspect, isDeepStrictEqual } from "node:util"
import type { Stage } from "./Stage.ts"
import type { Contestant, Rows } from "./Subject.ts"

export interface Case {
  /** Of the table in the README: a letter for the group, a number. */
  readonly id: string
  readonly name: string
  /** Statements that run before the cache is opened, besides the common tables. */
  readonly setup?: ReadonlyArray<string>
  /** The cache logs in as a role that owns nothing and obeys row security. */
  readonly plainRole?: boolean
  /** It needs no second session, so it runs on an embedded database too. */
  readonly alone?: boolean
  /** Connections of the cache's pool. Default 4. */
  readonly max?: number
  /** Nothing else runs at the same time: it counts or races. */
  readonly quiet?: boolean
  /** Why there is nothing to be right or wrong about. */
  readonly notFor?: (contestant: Contestant) => string | undefined
  /** Rejects with `Wrong` when the cache is. What it resolves to is shown beside `ok`. */
  readonly run: (stage: Stage) => Promise<string | void>
}

/** The cache gave a wrong answer. */
export class Wrong extends Error {}

/** For a body that is to be rolled back. */
export class Rollback extends Error {}

const show = (value: unknown): string =>
  inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4, maxArrayLength: 6, maxStringLength: 60 })

export const expect = (what: string, actual: unknown, right: unknown): void => {
  if (!isDeepStrictEqual(actual, right)) throw new Wrong(`${what}: ${show(actual)} instead of ${show(right)}`)
}

/** The values of one column; `v` unless told. */
export const column = (rows: Rows, name = "v"): ReadonlyArray<unknown> => rows.map((row) => row[name])

/** Only the product has it. */
export const oursAlone = (why: string) => (contestant: Contestant): string | undefined =>
  contestant.ours ? undefined : why
