/**
 * A plan without its conditions: those hold constants. What is left says how the server goes about it, and a hash of
 * that tells when it changed its mind.
 */
import * as Hash from "effect/Hash"

export interface PlanNode {
  /** `Seq Scan`, `Hash Join`, … */
  readonly type: string
  readonly joinType?: string
  readonly relation?: string
  readonly index?: string
  /** In the planner's unit: to be compared, not to be timed. */
  readonly startupCost: number
  readonly totalCost: number
  /** Estimated. */
  readonly rows: number
  readonly children: ReadonlyArray<PlanNode>
}

export interface Plan {
  /** Of node types, join types, relations and indexes; not of costs, which change with the tables' sizes. 8 hex digits. */
  readonly shape: string
  readonly root: PlanNode
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What is known of a query's plans. */
export interface PlanHistory {
  readonly latest: Plan
  /** Since when the plan has this shape, as far as it was looked at. Milliseconds since the epoch. */
  readonly since: number
  /** The last one of another shape. */
  readonly previous: Plan | undefined
}

const text = (value: unknown): string | undefined => typeof value === "string" ? value : undefined
const figure = (value: unknown): number => typeof value === "number" ? value : 0

/** Of the names only those of Postgres's own, and of relations and indexes. */
const node = (raw: Readonly<Record<string, unknown>>): PlanNode => {
  const joinType = text(raw["Join Type"])
  const relation = text(raw["Relation Name"])
  const index = text(raw["Index Name"])
  const plans = Array.isArray(raw["Plans"]) ? raw["Plans"] as ReadonlyArray<Readonly<Record<string, unknown>>> : []
  return {
    type: text(raw["Node Type"]) ?? "?",
    ...(joinType === undefined ? {} : { joinType }),
    ...(relation === undefined ? {} : { relation }),
    ...(index === undefined ? {} : { index }),
    startupCost: figure(raw["Startup Cost"]),
    totalCost: figure(raw["Total Cost"]),
    rows: figure(raw["Plan Rows"]),
    children: plans.map(node)
  }
}

const outline = ({ children, index, joinType, relation, type }: PlanNode): string =>
  `${type}/${joinType ?? ""}/${relation ?? ""}/${index ?? ""}(${children.map(outline).join()})`

/** Reads what `EXPLAIN (FORMAT JSON)` answered; `undefined` for anything else. */
export const planOf = (explained: unknown, at: number): Plan | undefined => {
  const raw = Array.isArray(explained) ? (explained[0] as { readonly Plan?: unknown } | undefined)?.Plan : undefined
  if (typeof raw !== "object" || raw === null) return undefined
  const root = node(raw as Readonly<Record<string, unknown>>)
  return { shape: (Hash.string(outline(root)) >>> 0).toString(16).padStart(8, "0"), root, at }
}

/** `history` with `plan`. */
export const followed = (history: PlanHistory | undefined, plan: Plan): PlanHistory =>
  history === undefined
    ? { latest: plan, since: plan.at, previous: undefined }
    : history.latest.shape === plan.shape
    ? { ...history, latest: plan }
    : { latest: plan, since: plan.at, previous: history.latest }
