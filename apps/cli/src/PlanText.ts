/** A plan of EXPLAIN (FORMAT JSON) as its text format has it. Its members are Postgres's, and read where they are there. */
import * as Predicate from "effect/Predicate"
import { plain } from "./Table.ts"

type Node = Readonly<Record<string, unknown>>

const isNode = (value: unknown): value is Node => Predicate.isObject(value) && !Array.isArray(value)

const text = (node: Node, key: string): string | undefined => {
  const value = node[key]
  return typeof value === "string" ? value : undefined
}

const number = (node: Node, key: string, digits = 0): string => {
  const value = node[key]
  return typeof value === "number" ? value.toFixed(digits) : "?"
}

const nameOf = (node: Node): string => {
  const relation = text(node, "Relation Name") ?? text(node, "Function Name") ?? text(node, "CTE Name")
  const alias = text(node, "Alias")
  const join = text(node, "Join Type")
  return [
    text(node, "Strategy") === "Hashed" ? `Hash${text(node, "Node Type")}` : text(node, "Node Type"),
    ...(join === undefined || join === "Inner" ? [] : [`(${join})`]),
    ...(text(node, "Index Name") === undefined ? [] : [`using ${text(node, "Index Name")}`]),
    ...(relation === undefined ? [] : [`on ${relation}`]),
    ...(alias === undefined || alias === relation ? [] : [alias])
  ].join(" ")
}

const figuresOf = (node: Node): string => {
  const cost = `cost=${number(node, "Startup Cost", 2)}..${number(node, "Total Cost", 2)} rows=${
    number(node, "Plan Rows")
  }`
  if (node["Actual Loops"] === undefined) return `(${cost})`
  if (node["Actual Loops"] === 0) return `(${cost}) (never executed)`
  const took = `${number(node, "Actual Startup Time", 3)}..${number(node, "Actual Total Time", 3)}`
  return `(${cost}) (actual time=${took} ms rows=${number(node, "Actual Rows")} loops=${number(node, "Actual Loops")})`
}

/** What is worth a line of its own. */
const details = /(?: Cond|Filter| Key|^Rows Removed by .*|^Heap Fetches|^Sort Method|^Shared (?:Hit|Read) Blocks)$/

const detailsOf = (node: Node): ReadonlyArray<string> =>
  Object.entries(node).flatMap(([key, value]) => {
    if (!details.test(key) || value === 0) return []
    return [`${key}: ${Array.isArray(value) ? value.join(", ") : String(value)}`]
  })

const linesBelow = (node: Node, depth: number): ReadonlyArray<string> => {
  const children = Array.isArray(node["Plans"]) ? node["Plans"].filter(isNode) : []
  const indent = "  ".repeat(depth)
  return [
    `${indent}${depth === 0 ? "" : "-> "}${plain(`${nameOf(node)} ${figuresOf(node)}`)}`,
    ...detailsOf(node).map((detail) => `${indent}     ${plain(detail)}`),
    ...children.flatMap((child) => linesBelow(child, depth + 1))
  ]
}

export const planLines = (plan: unknown): ReadonlyArray<string> => isNode(plan) ? linesBelow(plan, 0) : []
