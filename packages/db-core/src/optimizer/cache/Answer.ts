/**
 * What readers get of an entry: shared and frozen, or a copy of their own where something cannot be frozen.
 */
import type { Described } from "../../driver/DrizzleSession.ts"
import type { Found } from "../../driver/Statements.ts"
import type { Entry } from "./Entry.ts"
import { freeze, measure } from "./Frozen.ts"

const clone = (found: Found): Found =>
  "rowCount" in found ? { ...found, rows: structuredClone(found.rows) } : structuredClone(found)

const rowsOf = (found: Found): ReadonlyArray<unknown> => "rowCount" in found ? found.rows : found

/** An entry of what the database answered. */
export const entryOf = (
  facts: Pick<Entry, "found" | "usage" | "token" | "tags" | "filledAt" | "tookMs">,
  { mapper }: Described
): Entry => {
  const { found } = facts
  // Rows that a mapper makes something else of are given to nobody.
  const isFrozen = mapper === undefined
  const weight = isFrozen ? freeze(rowsOf(found)) : measure(rowsOf(found))
  if (isFrozen) Object.freeze(found)
  return {
    ...facts,
    ...weight,
    isFrozen,
    mappedBy: undefined,
    mapped: undefined,
    key: "",
    front: undefined,
    param: undefined,
    touchedAt: 0
  }
}

/** What one reader gets. */
export const present = (entry: Entry, { mapper, prepared }: Described): unknown => {
  if (prepared !== undefined && entry.mappedBy === prepared) return entry.mapped
  const { found, hasBinary, hasObjects } = entry
  if (mapper === undefined) {
    if (hasBinary) return clone(found)
    if (!entry.isFrozen) {
      freeze(rowsOf(found))
      Object.freeze(found)
      entry.isFrozen = true
    }
    return found
  }
  // Mappers write into objects that they find in rows.
  const rows = hasBinary || hasObjects ? clone(found) : found
  // With a mapper rows come as an array.
  const value = mapper(rows as ReadonlyArray<unknown>)
  if (prepared !== undefined && !hasBinary) {
    const { bytes } = freeze(value)
    if (entry.mapped === undefined) entry.bytes += bytes
    entry.mapped = value
    entry.mappedBy = prepared
  }
  return value
}

/** The entry with what a prepared query makes of it, which the next readers then share. */
export const mapped = (entry: Entry, described: Described): Entry => {
  if (described.mapper !== undefined && described.prepared !== undefined && !entry.hasBinary) present(entry, described)
  return entry
}
