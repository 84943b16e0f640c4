/** `GET /api/db/indexes`: every index once, how it is used, and what speaks against it. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, IsoInstant, Text } from "./Scalars.ts"
import { Bloat } from "./Space.ts"
import { unavailableParts } from "./Unavailable.ts"

export const IndexesQuery = Schema.Struct({
  ...pageQuery(["bytes", "scans", "writes", "wasted"]).fields,
  /** Only indexes with that finding. */
  finding: Schema.optionalKey(Schema.Literals(["unused", "redundant", "invalid"]))
})

export const indexUsage = {
  schema: Text,
  table: Text,
  name: Text,
  /** Such as `btree`. */
  method: Text,
  /** Null while its table is locked exclusively. */
  definition: Schema.NullOr(Text),
  bytes: Count,
  /** Since the statistics began. */
  scans: Count,
  /** Null when there was none, and before Postgres 16. */
  lastScan: Schema.NullOr(IsoInstant),
  /** Entries that scans returned. */
  entriesRead: Count,
  /** Live rows that plain index scans fetched with them. */
  rowsFetched: Count,
  /** Rows written to its table that had to be entered here. */
  writes: Count,
  isValid: Schema.Boolean,
  isUnique: Schema.Boolean,
  isPartitioned: Schema.Boolean,
  /** The partitioned index whose part it is, as `schema.name`. */
  partOf: Schema.NullOr(Text),
  /** Why it must stay although nobody may read it. Empty when nothing but reads speaks for it. */
  keep: Schema.Array(Schema.Literals([
    "primary key",
    "constraint",
    "unique",
    "replica identity",
    "referenced",
    "foreign key",
    "partition",
    "cluster",
    "expression statistics"
  ]))
}

/** How long nobody has read it. No reason to drop it yet: the yearly report may. */
export const unusedFor = {
  observedSince: IsoInstant,
  observedDays: Schema.Finite,
  /** Since its last scan, or since scans are counted. */
  unusedDays: Schema.Finite,
  /** Servers that follow this one and whose scans are not counted here. */
  replicas: Count
}

export const Index = Schema.Struct({
  ...indexUsage,
  /** Null when it is used or needed. */
  unused: Schema.NullOr(Schema.Struct(unusedFor)),
  /** Null when no other index serves all of its uses. */
  redundant: Schema.NullOr(Schema.Struct({
    kind: Schema.Literals(["duplicate", "prefix"]),
    /** The index that stays, of the same schema. */
    keep: Text,
    keepBecause: Schema.Literals([
      "primary key",
      "constraint",
      "unique",
      "needed elsewhere",
      "more columns",
      "older"
    ])
  })),
  /** Null when queries can use it, or when it is being built. */
  invalid: Schema.NullOr(Schema.Struct({
    /** It is the twin of another one that was to be rebuilt. */
    isLeftover: Schema.Boolean,
    /** It can be rebuilt, not dropped. */
    backsConstraint: Schema.Boolean
  })),
  /** Null where it is not estimated: only B-trees of more than one page are. */
  bloat: Schema.NullOr(Bloat)
})
export type Index = typeof Index.Type

/** The largest first. What is among `unavailableParts` is null in every index, for nobody looked. */
export const Indexes = Schema.Struct({
  ...pageOf(Index).fields,
  unavailableParts: unavailableParts(["unused", "redundant", "invalid", "bloat"])
})
export type Indexes = typeof Indexes.Type
