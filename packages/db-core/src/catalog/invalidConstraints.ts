/**
 * Constraints that were added as NOT VALID and never validated: new rows keep to them, older ones may not, and the
 * planner does not rely on them. Those that are NOT ENFORCED (Postgres 18) are meant to be so.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified, quoted } from "./Identifier.ts"
import { isUsers, whenOpen } from "./UserRelation.ts"

export interface InvalidConstraint {
  readonly schema: string
  /** The table, or the domain. */
  readonly owner: string
  readonly ownerKind: "table" | "domain"
  readonly name: string
  readonly kind: "check" | "foreign key" | "not null"
  /** Null while the table is locked exclusively. */
  readonly definition: string | null
}

export const invalidConstraints: CatalogQuery<InvalidConstraint> = {
  name: "invalid-constraints",
  sql: ({ version }) => `
select n.nspname::text as schema, coalesce(c.relname, t.typname)::text as owner,
  case when c.oid is null then 'domain' else 'table' end as "ownerKind", k.conname::text as name,
  case k.contype when 'c' then 'check' when 'f' then 'foreign key' else 'not null' end as kind,
  ${whenOpen("k.conrelid", "pg_get_constraintdef(k.oid)")} as definition
from pg_constraint k
left join pg_class c on c.oid = k.conrelid
left join pg_type t on t.oid = k.contypid
join pg_namespace n on n.oid = coalesce(c.relnamespace, t.typnamespace)
where not k.convalidated and k.contype in ('c', 'f', 'n')
  -- Validating the parent's validates those that partitions and children inherit.
  and k.conparentid = 0 and (k.conislocal or k.coninhcount = 0)
  ${version >= 180_000 ? "and k.conenforced" : ""}
  and (c.oid is null and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' or ${isUsers("n", "c")})
order by 1, 2, 4`
}

export const notValidatedConstraintCheck = checkOf({
  name: "not-validated-constraint",
  title: "Constraints that older rows may break",
  query: invalidConstraints,
  thresholds: {},
  judge: (rows) =>
    rows.map(({ definition, kind, name, owner, ownerKind, schema }) => ({
      severity: "warn",
      object: { kind: "constraint", name: `${schema}.${owner}.${name}` },
      summary: `The ${kind} constraint ${name} of ${schema}.${owner} was never validated`,
      evidence: { owner: `${schema}.${owner}`, ownerKind, kind, definition },
      impact:
        "Rows from before it may break it, and the planner does not rely on it; validating reads every row while " +
        "writers go on, and fails if one does",
      remediation: `alter ${ownerKind} ${qualified(schema, owner)} validate constraint ${quoted(name)};`,
      documentation: manual("sql-altertable.html#SQL-ALTERTABLE-NOTES")
    }))
})
