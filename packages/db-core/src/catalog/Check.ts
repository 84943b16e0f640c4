/**
 * A question with a verdict: which rows of a catalog query are findings, and from which figure on.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { cacheKeyOf, type Finding } from "./Finding.ts"
import type { ServerFacts } from "./ServerFacts.ts"

/** A figure that decides. */
export interface Threshold {
  readonly value: number
  readonly unit: "ms" | "days" | "bytes" | "ratio" | "count"
  /** Who uses this figure, and where it was read. */
  readonly source: string
}

export type Thresholds = Readonly<Record<string, Threshold>>

/** A finding without what its check adds. */
export type Verdict = Omit<Finding, "name" | "cacheKey"> & {
  /** What else tells it from another finding of this check about the same object. */
  readonly key?: ReadonlyArray<string>
}

/** What a verdict may look at. */
export interface Judging<T extends Thresholds> {
  readonly server: ServerFacts
  /** The figure in force: the caller's own, or the threshold's. */
  readonly limit: (name: keyof T & string) => number
}

export interface Check<Row = unknown, T extends Thresholds = Thresholds> {
  /** Of its findings, such as `unused-index`. */
  readonly name: string
  /** What is looked for, in a few words. */
  readonly title: string
  readonly query: CatalogQuery<Row>
  readonly thresholds: T
  readonly judge: (rows: ReadonlyArray<Row>, judging: Judging<T>) => ReadonlyArray<Verdict>
}

/** A check of any rows, for lists of them. */
export interface AnyCheck extends Pick<Check, "name" | "title" | "thresholds"> {
  readonly query: CatalogQuery<unknown>
  readonly findings: (
    rows: ReadonlyArray<unknown>,
    server: ServerFacts,
    limits: Readonly<Record<string, number>>
  ) => ReadonlyArray<Finding>
}

/** `limits` are the caller's own, as `check.threshold`. */
export const checkOf = <Row, T extends Thresholds>(check: Check<Row, T>): AnyCheck => ({
  ...check,
  findings: (rows, server, limits) => {
    const limit = (name: keyof T & string): number => limits[`${check.name}.${name}`] ?? check.thresholds[name]!.value
    // A cast: they are what its own query gave.
    return check.judge(rows as ReadonlyArray<Row>, { server, limit }).map(({ key = [], ...verdict }) => ({
      ...verdict,
      name: check.name,
      cacheKey: cacheKeyOf(check.name, verdict.object, ...key)
    }))
  }
})
