/**
 * The name of a table, index or view as a statement has it.
 */
import type { Node, RangeVar } from "libpg-query"
import { qualified, quoted } from "../../catalog/Identifier.ts"

export interface RelationName {
  /** `undefined` where the search path decides. */
  readonly schema: string | undefined
  readonly name: string
}

export const relationOf = (range: RangeVar | undefined): ReadonlyArray<RelationName> =>
  range?.relname === undefined ? [] : [{ schema: range.schemaname, name: range.relname }]

/** Words of a dotted name. */
export const wordsOf = (nodes: ReadonlyArray<Node> | undefined): ReadonlyArray<string> =>
  (nodes ?? []).flatMap((node) => "String" in node ? [node.String.sval ?? ""] : [])

/** Of a list of words, such as DROP names its objects by. The last `beyond` words name something in the relation. */
export const relationOfWords = (words: ReadonlyArray<string>, beyond = 0): ReadonlyArray<RelationName> => {
  const name = words[words.length - 1 - beyond]
  return name === undefined ? [] : [{ schema: words[words.length - 2 - beyond], name }]
}

/** As it stands in SQL, quoted. */
export const sqlOf = ({ name, schema }: RelationName): string =>
  schema === undefined ? quoted(name) : qualified(schema, name)

/** For people, and as a key. */
export const display = ({ name, schema }: RelationName): string => schema === undefined ? name : `${schema}.${name}`

/** Whether both may mean the same one: without a schema a name means whatever the search path finds. */
export const isSame = (a: RelationName, b: RelationName): boolean =>
  a.name === b.name && (a.schema === undefined || b.schema === undefined || a.schema === b.schema)
