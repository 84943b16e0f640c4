/**
 * The database's definitions as far as the cache has to know them. Loaded once, and again when they changed.
 */
import type { FunctionFacts, RelationFacts } from "../../catalog/relationFacts.ts"
import type { Table, Tables, WriteSet } from "./Tables.ts"

export interface Relation extends Pick<RelationFacts, "kind" | "rowSecurity" | "subscribed" | "tracked" | "triggers"> {
  readonly oid: number
  /** `schema.name`. */
  readonly name: string
  readonly parents: ReadonlyArray<number>
  readonly cascades: ReadonlyArray<number>
  readonly policies: string
  readonly definition: string | undefined
}

const oids = (text: string | null): ReadonlyArray<number> => text === null ? [] : text.split(",").map(Number)

export class Model {
  readonly relations: ReadonlyMap<number, Relation>
  readonly functions: ReadonlyMap<string, FunctionFacts>
  private readonly children = new Map<number, Array<number>>()
  private readonly byName = new Map<string, Relation>()

  constructor(relations: ReadonlyArray<RelationFacts>, functions: ReadonlyArray<FunctionFacts>) {
    this.relations = new Map(relations.map((row) => {
      const relation: Relation = {
        oid: Number(row.oid),
        name: `${row.schema}.${row.name}`,
        kind: row.kind,
        rowSecurity: row.rowSecurity,
        tracked: row.tracked,
        triggers: row.triggers,
        subscribed: row.subscribed,
        parents: oids(row.parents),
        cascades: oids(row.cascades),
        policies: row.policies ?? "",
        definition: row.definition ?? undefined
      }
      return [relation.oid, relation]
    }))
    const named = new Map<string, FunctionFacts>()
    for (const row of functions) {
      const { foreign = false, type = false, volatile = false } = named.get(row.name) ?? {}
      named.set(row.name, {
        name: row.name,
        volatile: volatile || row.volatile,
        foreign: foreign || row.foreign,
        type: type || row.type
      })
    }
    this.functions = named
    for (const relation of this.relations.values()) {
      this.byName.set(relation.name, relation)
      for (const parent of relation.parents) {
        const known = this.children.get(parent)
        if (known === undefined) this.children.set(parent, [relation.oid])
        else known.push(relation.oid)
      }
    }
  }

  /** By `schema.name`, or by a name that stands in one schema only. */
  named(name: string): Relation | undefined {
    const exact = this.byName.get(name)
    if (exact !== undefined) return exact
    const found = [...this.relations.values()].filter((relation) => relation.name.endsWith(`.${name}`))
    return found.length === 1 ? found[0] : undefined
  }

  /**
   * The tables whose rows a query on `oid` may see: its partitions and children, and those it is a part of, whose
   * triggers speak for what is written through them.
   */
  family(oid: number): ReadonlyArray<Relation> {
    const found = new Map<number, Relation>()
    const visit = (at: number, next: (relation: Relation) => ReadonlyArray<number>): void => {
      const relation = this.relations.get(at)
      if (relation === undefined) return
      found.set(at, relation)
      for (const other of next(relation)) visit(other, next)
    }
    visit(oid, (relation) => this.children.get(relation.oid) ?? [])
    for (const relation of found.values()) visit(relation.oid, ({ parents }) => parents)
    return [...found.values()]
  }

  /** The tables that change when one of these is written: through foreign keys that act, and triggers. */
  written(targets: ReadonlyArray<number>, tables: Tables): WriteSet {
    const found = new Map<number, Table>()
    const left = [...targets]
    for (let oid = left.pop(); oid !== undefined; oid = left.pop()) {
      if (found.has(oid)) continue
      const relation = this.relations.get(oid)
      // What a trigger does nobody knows.
      if (relation === undefined || relation.triggers) return "all"
      found.set(oid, tables.of(oid))
      // A row may be written in any of them, and a foreign key may point to any.
      for (const member of this.family(oid)) {
        if (member.triggers) return "all"
        left.push(...member.cascades)
      }
    }
    return [...found.values()]
  }
}
