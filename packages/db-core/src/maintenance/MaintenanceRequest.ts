/**
 * What a caller asks for, and how its names become objects: they are looked up in the catalog, and what is executed is
 * made of what the catalog says. A name of the caller's never becomes SQL.
 */
import * as Effect from "effect/Effect"
import { type Action, MaintenanceError } from "./MaintenanceError.ts"

export interface MaintenanceRequest {
  readonly action: Action
  /** Names as `name` or `schema.name`, as they are in the catalog, without quotes. Default: all tables of users. */
  readonly tables?: ReadonlyArray<string> | undefined
  /** Names as `name` or `schema.name`. For `reindex` and `dropIndex`; limits `createIndexes` to these. */
  readonly indexes?: ReadonlyArray<string> | undefined
  /** `optimizeStorage` with VACUUM FULL, which nobody can read beside: of named tables only. Default false. */
  readonly full?: boolean | undefined
  /** `createIndexes` also rebuilds those that are not as defined. Default false: they are reported. */
  readonly rebuildDrifted?: boolean | undefined
  /** Tables at a time, 1 or 2. Default 1. */
  readonly parallel?: 1 | 2 | undefined
  /** Also what an interrupted run of the same request had finished in the last hour. Default false: it goes on. */
  readonly fresh?: boolean | undefined
  /** Who asks, for the records: a user's name or a program's. */
  readonly actor?: string | undefined
  /**
   * The UUID that its record is to have. A second job of one id fails with `UniqueViolation` before it has done
   * anything; without records one that names its id is refused. Default: a new one.
   */
  readonly jobId?: string | undefined
}

export interface Named {
  readonly schema: string
  readonly name: string
}

export const qualified = ({ name, schema }: Named): string => `${schema}.${name}`

/** Names that are shown to somebody who mistyped one. */
const mostNearest = 3

/** Edits between two names: Levenshtein, with one row of the table. */
const distance = (a: string, b: string): number => {
  const row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0]!
    row[0] = i
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!
      row[j] = a[i - 1] === b[j - 1] ? diagonal : 1 + Math.min(diagonal, above, row[j - 1]!)
      diagonal = above
    }
  }
  return row[b.length]!
}

/** Longer ones are compared no further: the caller wrote them. Postgres's own names have 63 bytes. */
const longestName = 128

/** Those that look most like `name`, at most three. */
export const nearest = (name: string, known: ReadonlyArray<Named>): ReadonlyArray<string> => {
  const wanted = name.slice(0, longestName).toLowerCase()
  return known
    .map((one) => ({
      text: qualified(one),
      edits: Math.min(distance(wanted, one.name.toLowerCase()), distance(wanted, qualified(one).toLowerCase()))
    }))
    .filter(({ edits, text }) => edits <= Math.max(3, text.length / 3))
    .toSorted((a, b) => a.edits - b.edits || (a.text < b.text ? -1 : 1))
    .slice(0, mostNearest)
    .map(({ text }) => text)
}

/** The objects that `names` stand for. Fails with `UnknownObject` for one that is not there, or stands for several. */
export const lookUp = <A extends Named>(
  action: Action,
  kind: "table" | "index",
  names: ReadonlyArray<string>,
  known: ReadonlyArray<A>
): Effect.Effect<ReadonlyArray<A>, MaintenanceError> =>
  Effect.forEach([...new Set(names)], (name) => {
    const exact = known.filter((one) => qualified(one) === name)
    const found = exact.length > 0 ? exact : known.filter((one) => one.name === name)
    const [only] = found
    return only !== undefined && found.length === 1
      ? Effect.succeed(only)
      : Effect.fail(MaintenanceError.of(action, {
        _tag: "UnknownObject",
        kind,
        name: name.slice(0, longestName),
        nearest: found.length > 1 ? found.map(qualified) : nearest(name, known)
      }))
  })
