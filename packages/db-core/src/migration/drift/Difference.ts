/** One thing that is not what it should be. */
export interface Difference {
  /** What it was compared with: the tables of the program, or a database that was made by the migrations alone. */
  readonly against: "tables" | "migrations"
  /** `table`, `column`, `index`, `constraint`, … as in the dump. */
  readonly kind: string
  /** As `schema.name`, or `schema.table.name` for what belongs to a table. */
  readonly object: string
  /** Null where it should not be there. */
  readonly expected: string | null
  /** Null where it is not there. */
  readonly actual: string | null
}

/** What a comparison knows of one side: definitions by their kind and name. */
export type Definitions = ReadonlyMap<string, { readonly kind: string; readonly object: string; readonly text: string }>

export const definitions = (
  rows: Iterable<{ readonly kind: string; readonly object: string; readonly text: string }>
): Definitions => new Map([...rows].map((row) => [`${row.kind} ${row.object}`, row]))

export const compare = (
  against: Difference["against"],
  expected: Definitions,
  actual: Definitions
): ReadonlyArray<Difference> =>
  [...new Set([...expected.keys(), ...actual.keys()])].toSorted().flatMap((key) => {
    const should = expected.get(key)
    const is = actual.get(key)
    const { kind, object } = should ?? is ?? { kind: "", object: "" }
    return should?.text === is?.text
      ? []
      : [{ against, kind, object, expected: should?.text ?? null, actual: is?.text ?? null }]
  })
